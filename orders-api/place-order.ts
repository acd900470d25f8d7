import type { Fact } from '#contracts/events.ts'
import type { PlaceOrder } from '#contracts/orders-http.ts'

/** What accepting an order writes: the order, and the fact that its payment is asked for. */
export function placeOrder(orderId: string, { user_id, amount }: PlaceOrder) {
  const order = { order_id: orderId, user_id, amount }
  return { order, fact: { type: 'PaymentRequested', data: order } satisfies Fact }
}
