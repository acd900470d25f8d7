import { formatMoney, minorOf } from '#contracts/money.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { LedgerEntry } from '#contracts/payments-http.ts'
import { isNews, paymentOf, tookMs } from '../lib/order-words.ts'

/** What has become of a burst. */
export interface Counts {
  sent: number
  placed: number
  paid: number
  refused: number
  /** What the paid orders cost. */
  due: string
  /** Milliseconds to the final status, ascending. */
  durations: number[]
  isDone: boolean
}

/** What a burst has taken from the balance, by the ledger. */
export interface Takings {
  taken: string
  /** How many debits took for an order once more. */
  twice: number
}

/** What has become of many orders that were placed together. Decides nothing, counts only. */
export class BurstTally {
  readonly amount: string
  readonly #orders = new Map<string, Order>()
  #sent: number

  /** So many orders of one amount. */
  constructor(count: number, amount: string) {
    this.amount = amount
    this.#sent = count
  }

  hasOrder = ({ order_id }: Order): boolean => this.#orders.has(order_id)

  /** Whether it decided an order of the burst. */
  hasDebit = ({ type, order_id }: LedgerEntry): boolean =>
    type === 'DEBIT' && order_id !== null && this.#orders.has(order_id)

  /**
   * News of an order of the burst. Its payment is decided once: what comes of a refund is no news
   * here.
   */
  take(order: Order): void {
    const known = this.#orders.get(order.order_id)
    const isDecided = known !== undefined && paymentOf(known) !== 'pending'
    if (!isDecided && isNews(order, known)) this.#orders.set(order.order_id, order)
  }

  /** No more will be placed than were until now. */
  stop(): void {
    this.#sent = this.#orders.size
  }

  read(): Counts {
    const all = [...this.#orders.values()]
    const final = all.filter((order) => paymentOf(order) !== 'pending')
    const countOf = (end: 'paid' | 'refused') => all.filter((one) => paymentOf(one) === end).length
    const paid = countOf('paid')
    return {
      sent: this.#sent,
      placed: all.length,
      paid,
      refused: countOf('refused'),
      due: formatMoney(BigInt(paid) * minorOf(this.amount)),
      durations: final.map(tookMs).sort((a, b) => a - b),
      isDone: final.length === this.#sent,
    }
  }
}

/** What was taken by some debits of the ledger. */
export function takingsOf(entries: LedgerEntry[]): Takings {
  const debits = entries.filter(({ status }) => status === 'SUCCESS')
  const minor = debits.reduce((sum, { amount }) => sum + minorOf(amount), 0n)
  const orders = new Set(debits.map(({ order_id }) => order_id))
  return { taken: formatMoney(minor), twice: debits.length - orders.size }
}
