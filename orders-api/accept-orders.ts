import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '#chassis/database/connect.ts'
import { type Call, onceEach } from '#chassis/http/once.ts'
import type { Logger } from '#chassis/logger.ts'
import { createEvent } from '#contracts/events.ts'
import type { PlaceOrder } from '#contracts/orders-http.ts'
import { appendEvents } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { groupCommit } from './group-commit.ts'
import { orderOf } from './order-answer.ts'
import { placeOrder } from './place-order.ts'
import { insertOrders } from './rows.ts'

/** The call of somebody who orders. */
export interface PlaceOrderCall extends Call {
  request: PlaceOrder
}

/**
 * Accepts orders, those of a crowd together: each order and the event that asks for its payment are
 * one transaction. Two lanes, so that one group is on its way while the next one is made.
 */
export const orderAccepter = (db: Database<OrdersDatabase>, logger: Logger) =>
  groupCommit({
    commit: (calls: PlaceOrderCall[]) => acceptOrders(db, calls),
    lanes: 2,
    groupSize: 200,
    patienceMs: 2_000,
    onSplit: (error, size) => logger.warn({ err: error, size }, 'orders are accepted one by one'),
  })

/** One transaction; an ending for each, in their order. */
export const acceptOrders = (db: Database<OrdersDatabase>, calls: PlaceOrderCall[]) =>
  onceEach(db, calls, async (trx, fresh) => {
    const time = new Date()
    const placed = fresh.map(({ request }) => {
      const { order, fact } = placeOrder(randomUUIDv7(), request)
      return { order, event: createEvent(fact, { id: randomUUIDv7(), time }) }
    })
    const orders = placed.map(({ order, event }) => ({ ...order, request_id: event.id }))
    const events = placed.map(({ event }) => event)
    const rows = await insertOrders(trx, orders)
    await appendEvents(trx, events)
    return placed.map(({ order }) => {
      const row = rows.get(order.order_id)
      if (!row) throw new Error(`Order ${order.order_id} was not written`)
      return { status: 201, body: JSON.stringify(orderOf(row)) }
    })
  })
