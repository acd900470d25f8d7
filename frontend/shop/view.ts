import type { Order } from '#contracts/orders-http.ts'
import type { Account, LedgerEntry } from '#contracts/payments-http.ts'
import { find, setText } from '../lib/elements.ts'
import { formatAmount } from '../lib/money.ts'
import { paymentTookMs, reasonOf, refundRefusalOf, type Word, wordOf } from '../lib/order-words.ts'
import { duration } from '../lib/time.ts'
import { showRows } from './rows.ts'

const entries: Record<LedgerEntry['type'], Word & { sign: string }> = {
  TOPUP: { sign: '+', text: 'Top-up', tone: 'good' },
  DEBIT: { sign: '\u2212', text: 'Debit', tone: 'plain' },
  REFUND: { sign: '+', text: 'Refund', tone: 'good' },
}
const refused: Word = { text: 'Refused', tone: 'bad' }

/** The shop of an account, or the welcome of nobody. */
export function showPlace(account: Account | undefined): void {
  const isOpen = account !== undefined
  for (const id of ['shop', 'who', 'connection']) find(id, HTMLElement).hidden = !isOpen
  find('welcome', HTMLElement).hidden = isOpen
  find('account-name', HTMLElement).textContent = account?.user_id ?? ''
  if (!account) return
  showBalance(account)
  showOrders([], '')
  showLedger([])
}

/** Users are named by a provider, and do not name themselves. */
export function showSignIn(): void {
  find('account-form', HTMLElement).hidden = true
  find('sign-in-form', HTMLElement).hidden = false
  setText('switch', 'Sign out')
}

export function showBalance({ balance }: Account): void {
  setText('balance', formatAmount(balance))
  find('balance', HTMLElement).classList.toggle('long', balance.length > 12)
}

/** Newest first. */
export function showOrders(orders: Order[], chosenId: string): void {
  const rows = orders.map((order) => ({
    id: order.order_id,
    amount: formatAmount(order.amount),
    at: order.created_at,
    about: reasonOf(order) || refundRefusalOf(order) || tookText(order),
    isChosen: order.order_id === chosenId,
    ...wordOf(order),
  }))
  showRows('orders', rows)
}

function tookText(order: Order): string {
  const ms = paymentTookMs(order)
  return ms === undefined ? '' : `after ${duration(ms)}`
}

/** Newest first. */
export function showLedger(items: LedgerEntry[]): void {
  const rows = items.map(({ tx_id, order_id, type, amount, status, created_at }) => {
    const { sign, ...word } = entries[type]
    return {
      id: tx_id,
      amount: `${sign}${formatAmount(amount)}`,
      at: created_at,
      about: order_id === null ? '' : `order …${order_id.slice(-6)}`,
      ...(status === 'SUCCESS' ? word : refused),
    }
  })
  showRows('ledger', rows)
}

/** Reads something out, for those who do not see it change. */
export function announce(text: string): void {
  const line = document.createElement('span')
  line.textContent = `${text} `
  find('announcer', HTMLElement).replaceChildren(line)
}
