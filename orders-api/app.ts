import Router from '@koa/router'
import type { Context } from 'koa'
import type { Database } from '#chassis/database/connect.ts'
import { readJson, readOptionalJson } from '#chassis/http/body.ts'
import { decodeCursor, pageOf } from '#chassis/http/cursor.ts'
import { Problem } from '#chassis/http/problem.ts'
import { validated } from '#chassis/http/validation.ts'
import type { Logger } from '#chassis/logger.ts'
import { defaultLimit, uuidPattern } from '#contracts/http-fields.ts'
import {
  type PlaceOrder,
  toPlaceOrder,
  validateListOrders,
  validatePlaceOrder,
  validateRefundOrder,
} from '#contracts/orders-http.ts'
import { statusSocketPath } from '#contracts/orders-ws.ts'
import { idempotencyKeyOf, sendIdempotentResponse } from '#idempotency/key.ts'
import { withIdempotencyKey } from '#idempotency/transaction.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { createOrderAcceptor } from './accept-orders.ts'
import { acceptRefund, noSuchOrder } from './accept-refund.ts'
import { toOrderResponse } from './order-response.ts'
import { upgradeRequired } from './push/handshake.ts'
import { findOrder, findTimeline, listOrders } from './rows.ts'
import { timelineOf } from './timeline.ts'

export interface Orders {
  db: Database<OrdersDatabase>
  /** Called after each commit that left something in the outbox. */
  notifyRelay: () => void
  logger: Logger
  tracing?: Tracing | undefined
}

interface Serving extends Orders {
  accept: ReturnType<typeof createOrderAcceptor>
}

/** The HTTP interface of Orders, as docs/generated/openapi/orders.json describes it. */
export function ordersRouter(options: Orders): Router {
  const { db, logger, tracing } = options
  const orders = { ...options, accept: createOrderAcceptor(db, logger, tracing) }
  const router = new Router({ sensitive: true, strict: true })
  router.post('/orders', (ctx) => postOrder(orders, ctx))
  router.get('/orders', (ctx) => getOrders(orders, ctx))
  router.get(statusSocketPath, () => {
    throw upgradeRequired()
  })
  router.get('/orders/:order_id', (ctx) => getOrder(orders, ctx, ctx.params.order_id))
  router.get('/orders/:order_id/timeline', (ctx) => getTimeline(orders, ctx, ctx.params.order_id))
  router.post('/orders/:order_id/refund', (ctx) => postRefund(orders, ctx, ctx.params.order_id))
  return router
}

async function postOrder({ accept, notifyRelay }: Serving, ctx: Context) {
  const key = idempotencyKeyOf(ctx)
  const order = parsePlaceOrder(await readJson(ctx))

  const operation = 'POST /orders'
  const request = { userId: order.user_id, operation, key, fingerprintSource: order }
  const outcome = await accept({ ...request, order, traceparent: ctx.get('traceparent') })
  if (outcome instanceof Problem) throw outcome
  if (!outcome.replayed) notifyRelay()
  ctx.set('Location', `/orders/${outcome.body.order_id}`)
  sendIdempotentResponse(ctx, outcome)
}

const parsePlaceOrder = (json: unknown): PlaceOrder =>
  toPlaceOrder(validated(validatePlaceOrder, json))

/**
 * A key belongs to the user of the order. The order is read again, and locked, where it is decided
 * about.
 */
async function postRefund({ db, notifyRelay }: Serving, ctx: Context, orderId = '') {
  const key = idempotencyKeyOf(ctx)
  validated(validateRefundOrder, await readOptionalJson(ctx))
  const order = uuidPattern.test(orderId) ? await findOrder(db, orderId) : undefined
  if (!order) throw noSuchOrder()
  const operation = 'POST /orders/{order_id}/refund'
  const scope = { userId: order.user_id, operation, key, fingerprintSource: { order_id: orderId } }
  const traceparent = ctx.get('traceparent')
  const response = await withIdempotencyKey(db, scope, (trx) =>
    acceptRefund(trx, orderId, traceparent),
  )
  if (!response.replayed) notifyRelay()
  sendIdempotentResponse(ctx, response)
}

async function getOrder({ db }: Orders, ctx: Context, orderId = '') {
  const order = uuidPattern.test(orderId) ? await findOrder(db, orderId) : undefined
  if (!order) throw noSuchOrder()
  ctx.body = toOrderResponse(order)
}

/** Where the order has been, by what its own service has written down. */
async function getTimeline({ db }: Orders, ctx: Context, orderId = '') {
  const row = uuidPattern.test(orderId) ? await findTimeline(db, orderId) : undefined
  if (!row) throw noSuchOrder()
  ctx.body = timelineOf(orderId, row)
}

async function getOrders({ db }: Orders, ctx: Context) {
  const query = validated(validateListOrders, { ...ctx.query })
  const size = Number(query.limit ?? defaultLimit)
  const rows = await listOrders(db, {
    userId: query.user_id,
    statuses: query.status && [query.status],
    after: decodeCursor(query.cursor),
    limit: size + 1,
  })
  ctx.body = pageOf(rows, size, {
    positionOf: ({ created_at, order_id }) => ({ created_at, id: order_id }),
    itemOf: toOrderResponse,
  })
}
