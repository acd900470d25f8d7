import type { Fact } from '#contracts/events.ts'
import { type CalledStatus, onCall } from '#contracts/order-states.ts'
import type { OrderColumns } from '#tables/orders.ts'

export type RefundDecision =
  | { kind: 'accept'; status: CalledStatus; fact: Fact }
  /** `too-early`: the payment is not decided yet, and the same request may be accepted later. */
  | { kind: 'too-early' }
  | { kind: 'refused' }

/**
 * Whether the refund of an order is accepted; if it is, the next state of the order, and the fact
 * that it is asked for.
 */
export function refundOrder(
  order: OrderColumns<'order_id' | 'user_id' | 'amount' | 'status'>,
): RefundDecision {
  const { order_id, user_id, amount } = order
  const next = onCall(order.status, 'refund')
  if (next === 'too-early' || next === 'refused') return { kind: next }
  const fact = { type: 'RefundRequested', data: { order_id, user_id, amount } } satisfies Fact
  return { kind: 'accept', status: next, fact }
}
