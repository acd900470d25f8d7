import type { Fact } from '#contracts/events.ts'
import type { PlaceOrder } from '#contracts/orders-http.ts'
import type { OwnUserId } from '#principal/principal.ts'

/** An order as its own user places it. */
export interface OwnOrder extends PlaceOrder {
  user_id: OwnUserId
}

/** What accepting an order writes: the order, and the fact that its payment is asked for. */
export function placeOrder(orderId: string, { user_id, amount }: OwnOrder) {
  const order = { order_id: orderId, user_id, amount }
  return { order, fact: { type: 'PaymentRequested', data: order } satisfies Fact }
}
