import type { Order } from '#contracts/orders-http.ts'
import type { OrderReader } from './order-reader.ts'
import { isPending, refundStatuses } from './order-status.ts'
import { itemsOf } from './pages.ts'

/** What is known of the refunds of a user. */
export interface KnownRefunds {
  /** Which states of orders in a refund, or refunded, were told or are no news. */
  states: ReadonlySet<string>
  /** Orders that were in a refund when they were last heard of: their end must be told. */
  pending: ReadonlySet<string>
}

export const noRefunds: KnownRefunds = { states: new Set(), pending: new Set() }

/**
 * Of which two readings or messages are the same state: each change of an order has a time of its
 * own.
 */
export const stateOf = ({ order_id, status, updated_at }: Order): string =>
  `${order_id} ${status} ${updated_at}`

/**
 * An order is refunded long after it was placed, so no place in the list of all orders says where
 * to look: all that are in a refund, or refunded, are read, a page for each hundred. An order of
 * which the refund was refused meanwhile is in none of these lists, and is read by its id.
 */
export async function backfillRefunds(
  reader: OrderReader,
  known: KnownRefunds,
): Promise<{ orders: Order[]; known: KnownRefunds }> {
  const listed = new Map<string, Order>()
  for (const status of refundStatuses) {
    const all = itemsOf((page) => reader.page({ status, ...page }))
    for await (const order of all) listed.set(order.order_id, order)
  }
  const orders = [...listed.values()].filter((order) => !known.states.has(stateOf(order)))
  for (const orderId of known.pending) {
    if (!listed.has(orderId)) orders.push(await reader.order(orderId))
  }
  const pending = [...listed.values()].filter(isPending).map(({ order_id }) => order_id)
  const states = new Set([...listed.values()].map(stateOf))
  return { orders, known: { states, pending: new Set(pending) } }
}

/** What the connection has told. It may be told again by the next reading, as any order may. */
export function withHeardRefund(known: KnownRefunds, order: Order): KnownRefunds {
  const { order_id, status } = order
  const isWaiting = isPending(order) && refundStatuses.includes(status)
  if (isWaiting === known.pending.has(order_id)) return known
  const pending = new Set(known.pending)
  if (isWaiting) pending.add(order_id)
  else pending.delete(order_id)
  return { ...known, pending }
}
