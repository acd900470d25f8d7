import { isPending } from '#client/order-status.ts'
import type { Order } from '#contracts/orders-http.ts'

export interface Word {
  text: string
  tone: 'plain' | 'pending' | 'good' | 'bad'
}

const words: Record<Order['status'], Word> = {
  PAYMENT_PENDING: { text: 'Payment pending', tone: 'pending' },
  PAID: { text: 'Paid', tone: 'good' },
  PAYMENT_FAILED: { text: 'Payment refused', tone: 'bad' },
  REFUND_PENDING: { text: 'Refund pending', tone: 'pending' },
  REFUNDED: { text: 'Refunded', tone: 'plain' },
}

/** What has become of the payment of an order in a state, whatever became of a refund. */
const payments: Record<Order['status'], 'pending' | 'paid' | 'refused'> = {
  PAYMENT_PENDING: 'pending',
  PAID: 'paid',
  PAYMENT_FAILED: 'refused',
  REFUND_PENDING: 'paid',
  REFUNDED: 'paid',
}
export const paymentOf = ({ status }: Order) => payments[status] ?? 'pending'

const reasons: Record<NonNullable<Order['failure_reason']>, string> = {
  INSUFFICIENT_FUNDS: 'the balance was too small',
  ACCOUNT_NOT_FOUND: 'there was no such account',
  BALANCE_LIMIT: 'the balance would be too large',
}

/**
 * How a status is said. A page that was loaded before an upgrade may meet one that it does not
 * know.
 */
export const wordOf = ({ status }: Order): Word =>
  words[status] ?? { text: status, tone: 'pending' }

/** Why the payment was refused; empty for an order that was not. */
export function reasonOf({ status, failure_reason: reason }: Order): string {
  if (status !== 'PAYMENT_FAILED') return ''
  return (reason && reasons[reason]) ?? 'no reason was given'
}

/**
 * Why a paid order was not refunded, as a clause; empty for an order of which no refund was
 * refused.
 */
export const refundRefusalOf = ({ status, failure_reason: reason }: Order): string =>
  status === 'PAID' && reason ? `the refund was refused: ${reasons[reason] ?? reason}` : ''

/** From acceptance to the present status, by the one clock of the database. */
export const tookMs = ({ created_at, updated_at }: Order): number =>
  Date.parse(updated_at) - Date.parse(created_at)

/**
 * From acceptance to the end of the payment; undefined before, and when the order does not say it
 * any more.
 */
export const paymentTookMs = (order: Order): number | undefined =>
  isPending(order) || order.status === 'REFUNDED' || refundRefusalOf(order) !== ''
    ? undefined
    : tookMs(order)

/**
 * Whether an order as it was read or pushed is news to who knows it otherwise: both cross on their
 * way, and what is older may arrive later. Of two states of one millisecond, the pending one was
 * first.
 */
export function isNews(order: Order, known: Order | undefined): boolean {
  if (known === undefined) return true
  if (order.updated_at !== known.updated_at) return order.updated_at > known.updated_at
  return isPending(known) && !isPending(order)
}

export { isPending }
