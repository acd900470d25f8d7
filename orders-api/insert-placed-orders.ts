import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from 'kysely'
import { createEvent } from '#contracts/events.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { EffectResponse } from '#idempotency/stored-response.ts'
import { appendEvents } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { toOrderResponse } from './order-response.ts'
import { type OwnOrder, placeOrder } from './place-order.ts'
import { insertOrders } from './rows.ts'

/**
 * Writes orders, and for each the event that requests its payment. Returns a response for each, in
 * their order.
 */
export async function insertPlacedOrders(
  trx: Transaction<OrdersDatabase>,
  requests: { order: OwnOrder; traceparent?: string }[],
): Promise<EffectResponse<Order>[]> {
  const time = new Date()
  const placed = requests.map(({ order: requested, traceparent }) => {
    const { order, fact } = placeOrder(randomUUIDv7(), requested)
    return { order, event: createEvent(fact, { id: randomUUIDv7(), time, traceparent }) }
  })
  const orders = placed.map(({ order, event }) => ({ ...order, request_id: event.id }))
  const events = placed.map(({ event }) => event)
  const rows = await insertOrders(trx, orders)
  await appendEvents(trx, events)
  return orders.map(({ order_id }) => {
    const row = rows.get(order_id)
    if (!row) throw new Error(`Order ${order_id} was not written`)
    return { status: 201, body: toOrderResponse(row) }
  })
}
