import { CallError } from '#client/client.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { Account } from '#contracts/payments-http.ts'
import { api } from '../lib/api.ts'
import { formatAmount } from '../lib/money.ts'
import { isPending, reasonOf, refundRefusalOf, wordOf } from '../lib/order-words.ts'
import { createRefresh } from '../lib/refresh.ts'
import { SignInError } from '../lib/sign-in-error.ts'
import { ConnectionStatus } from './connection-status.ts'
import { LiveOrders } from './live-orders.ts'
import { OrderList } from './order-list.ts'
import * as view from './view.ts'

const ordersShown = 20
const ledgerShown = 7

export interface ShopListener {
  /** An order that is news here. */
  onNews: (order: Order) => void
  /** Every order that is pushed, news or not. Says whether somebody speaks of its end already. */
  onPushed: (order: Order) => boolean
  /** The order whose timeline is drawn. */
  chosenId: () => string
}

/** What the page knows of one account, kept fresh until the account is left. */
export class Shop {
  readonly userId: string
  readonly #listener: ShopListener
  readonly #leaving = new AbortController()
  readonly #orders = new OrderList(ordersShown)
  readonly #status = new ConnectionStatus()
  readonly #live: LiveOrders
  /** Reads everything again, soon. */
  readonly refresh: () => void

  constructor(account: Account, listener: ShopListener) {
    this.userId = account.user_id
    this.#listener = listener
    const { signal } = this.#leaving
    view.showPlace(account)
    const onDone = () => this.#status.showReading('')
    const onFailed = (error: unknown) => this.#status.showReading(troubleOf(error))
    this.refresh = createRefresh(() => this.#read(), { onDone, onFailed }, signal)
    this.#live = new LiveOrders(
      this.userId,
      {
        onOrder: (order) => this.#takePushed(order),
        onState: (state, loss) => {
          this.#status.showState(state, loss)
          if (state === 'live') this.refresh()
        },
        onRefused: (problem) => this.#status.showRefusal(problem),
      },
      signal,
    )
    this.refresh()
  }

  get = this.#orders.get

  tryNow(): void {
    this.#live.tryNow()
    this.refresh()
  }

  /** Says whether the order was news here. */
  take(order: Order): boolean {
    const isNews = order.user_id === this.userId && this.#orders.take(order)
    if (isNews) {
      this.showOrders()
      this.#listener.onNews(order)
    }
    return isNews
  }

  showOrders(): void {
    view.showOrders(this.#orders.newestFirst(), this.#listener.chosenId())
  }

  /** Nothing is read or told afterwards. */
  leave(): void {
    this.#leaving.abort()
    this.#status.clear()
    view.showPlace(undefined)
  }

  #takePushed(order: Order): void {
    const isSaid = this.#listener.onPushed(order)
    if (!this.take(order) || isPending(order)) return
    if (!isSaid) announceEnd(order)
    this.refresh()
  }

  async #read(): Promise<void> {
    const { signal } = this.#leaving
    const [account, ledger, latest] = await Promise.all([
      api.getAccount(this.userId, { signal }),
      api.listLedger(this.userId, { limit: ledgerShown, signal }),
      this.#readOrders(signal),
    ])
    if (signal.aborted) return
    view.showBalance(account)
    view.showLedger(ledger.items)
    for (const order of latest.items) this.take(order)
  }

  async #readOrders(signal: AbortSignal) {
    try {
      const latest = await api.listOrders(this.userId, { limit: ordersShown, signal })
      this.#status.showDoubt(false)
      return latest
    } catch (error) {
      if (!signal.aborted) this.#status.showDoubt(true)
      throw error
    }
  }
}

function troubleOf(error: unknown): string {
  if (error instanceof SignInError) return error.message
  const isAway = error instanceof CallError && error.isTemporary
  const why = isAway ? 'A service does not answer' : 'Something could not be read'
  return `${why}; what you see may be old. Trying again every few seconds.`
}

function announceEnd(order: Order): void {
  const reason = reasonOf(order)
  const refusal = refundRefusalOf(order)
  const why = reason ? `, because ${reason}` : refusal && `; ${refusal}`
  view.announce(`Order of ${formatAmount(order.amount)}: ${wordOf(order).text}${why}.`)
}
