import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from 'kysely'
import { createEvent } from '#contracts/events.ts'
import { orderStatusChannel, statusPayloads } from '#contracts/order-status.ts'
import type { Order } from '#contracts/orders-http.ts'
import { Problem } from '#http/problem.ts'
import type { EffectResponse } from '#idempotency/stored-response.ts'
import { appendEvents, maxPayloadBytes, notify } from '#messaging/index.ts'
import type { Principal } from '#principal/principal.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { toOrderResponse } from './order-response.ts'
import { refundOrder } from './refund-order.ts'
import { lockOrder, type OrderRow, setRefundAccepted } from './rows.ts'

/**
 * Accepts the refund of an order: the order waits for Payments, the event that requests the refund
 * is in the outbox, and subscribers are told, in one transaction. Throws a Problem, with nothing
 * changed, when the order cannot be refunded.
 */
export async function acceptRefund(
  principal: Principal,
  trx: Transaction<OrdersDatabase>,
  orderId: string,
  traceparent?: string,
): Promise<EffectResponse<Order>> {
  const order = await lockOrder(principal, trx, orderId)
  if (!order) throw noSuchOrder()
  const decision = refundOrder(order)
  if (decision.kind === 'too-early') throw orderPending()
  if (decision.kind === 'refused') throw notRefundable(order)
  const { status, fact } = decision
  const event = createEvent(fact, { id: randomUUIDv7(), time: new Date(), traceparent })
  const row = await setRefundAccepted(principal, trx, { orderId, status, requestId: event.id })
  await appendEvents(trx, [event])
  await notify(trx, orderStatusChannel, statusPayloads([orderId], maxPayloadBytes))
  return { status: 200, body: toOrderResponse(row) }
}

export const noSuchOrder = () => new Problem(404, 'There is no such order.')

const orderPending = () =>
  new Problem(
    'order-pending',
    'Payments has not decided about this order yet. Repeat the request.',
    {
      headers: { 'Retry-After': '1' },
    },
  )

const notRefundable = ({ status }: OrderRow) =>
  new Problem('not-refundable', `Only a PAID order can be refunded; this one is ${status}.`)
