import { randomUUIDv7 } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Database } from '#chassis/database/connect.ts'
import { readJson } from '#chassis/http/body.ts'
import { decodeCursor, pageOf } from '#chassis/http/cursor.ts'
import { idempotencyKeyOf, once, send } from '#chassis/http/idempotency.ts'
import { Problem } from '#chassis/http/problem.ts'
import { validated } from '#chassis/http/validation.ts'
import { appendEvents } from '#chassis/outbox/append.ts'
import { createEvent } from '#contracts/events.ts'
import { defaultLimit, uuidPattern } from '#contracts/http-fields.ts'
import { type Order, validateListOrders, validatePlaceOrder } from '#contracts/orders-http.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { orderOf } from './order-answer.ts'
import { placeOrder } from './place-order.ts'
import { findOrder, findTimeline, insertOrder, listOrders } from './rows.ts'
import { timelineOf } from './timeline.ts'

export interface Orders {
  db: Database<OrdersDatabase>
  /** Called after each commit that left something in the outbox. */
  wakeRelay: () => void
}

/** The HTTP interface of Orders, as contract.md has it. */
export function ordersRouter(orders: Orders): Router {
  const router = new Router({ sensitive: true, strict: true })
  router.post('/orders', (ctx) => postOrder(orders, ctx))
  router.get('/orders', (ctx) => getOrders(orders, ctx))
  router.get('/orders/:order_id', (ctx) => getOrder(orders, ctx, ctx.params.order_id))
  router.get('/orders/:order_id/timeline', (ctx) => getTimeline(orders, ctx, ctx.params.order_id))
  return router
}

/** The order and the event that asks for its payment are one transaction. */
async function postOrder({ db, wakeRelay }: Orders, ctx: Context) {
  const key = idempotencyKeyOf(ctx)
  const request = validated(validatePlaceOrder, await readJson(ctx))
  const { user_id, amount } = request
  const call = { userId: user_id, call: 'POST /orders', key, meaning: { user_id, amount } }

  const answer = await once(db, call, async (trx) => {
    const { order, fact } = placeOrder(randomUUIDv7(), request)
    const event = createEvent(fact, { id: randomUUIDv7(), time: new Date() })
    const row = await insertOrder(trx, { ...order, request_id: event.id })
    await appendEvents(trx, [event])
    return { status: 201, body: JSON.stringify(orderOf(row)) }
  })
  if (!answer.replayed) wakeRelay()
  ctx.set('Location', `/orders/${(JSON.parse(answer.body) as Order).order_id}`)
  send(ctx, answer)
}

async function getOrder({ db }: Orders, ctx: Context, orderId = '') {
  const order = uuidPattern.test(orderId) ? await findOrder(db, orderId) : undefined
  if (!order) throw noSuchOrder()
  ctx.body = orderOf(order)
}

/** Where the order has been, by what its own service has written down. */
async function getTimeline({ db }: Orders, ctx: Context, orderId = '') {
  const row = uuidPattern.test(orderId) ? await findTimeline(db, orderId) : undefined
  if (!row) throw noSuchOrder()
  ctx.body = timelineOf(orderId, row)
}

const noSuchOrder = () => new Problem(404, 'There is no such order.')

async function getOrders({ db }: Orders, ctx: Context) {
  const query = validated(validateListOrders, { ...ctx.query })
  const size = Number(query.limit ?? defaultLimit)
  const rows = await listOrders(db, {
    userId: query.user_id,
    status: query.status,
    after: decodeCursor(query.cursor),
    limit: size + 1,
  })
  ctx.body = pageOf(rows, size, {
    placeOf: ({ created_at, order_id }) => ({ created_at, id: order_id }),
    itemOf: orderOf,
  })
}
