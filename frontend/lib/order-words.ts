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
}

const reasons: Record<NonNullable<Order['failure_reason']>, string> = {
  INSUFFICIENT_FUNDS: 'the balance was too small',
  ACCOUNT_NOT_FOUND: 'there was no such account',
}

/** How a status is said. A page that was loaded before an upgrade may meet one that it does not know. */
export const wordOf = ({ status }: Order): Word =>
  words[status] ?? { text: status, tone: 'pending' }

/** Why the payment was refused; empty for an order that was not. */
export function reasonOf({ status, failure_reason: reason }: Order): string {
  if (status !== 'PAYMENT_FAILED') return ''
  return (reason && reasons[reason]) ?? 'no reason was given'
}

/** From acceptance to the present status, by the one clock of the database. */
export const tookMs = ({ created_at, updated_at }: Order): number =>
  Date.parse(updated_at) - Date.parse(created_at)

/**
 * Whether an order as it was read or pushed is news to who knows it otherwise: both cross on their way,
 * and what is older may arrive later. Of two states of one millisecond, the pending one was first.
 */
export function isNews(order: Order, known: Order | undefined): boolean {
  if (known === undefined) return true
  if (order.status === known.status) return false
  if (order.updated_at !== known.updated_at) return order.updated_at > known.updated_at
  return isPending(known)
}

export { isPending }
