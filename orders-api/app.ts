import Router from '@koa/router'
import type { Context } from 'koa'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { defaultLimit, uuidPattern } from '#contracts/http-fields.ts'
import {
  type Order,
  type PlaceOrder,
  toPlaceOrder,
  validateListOrders,
  validatePlaceOrder,
  validateRefundOrder,
} from '#contracts/orders-http.ts'
import { statusSocketPath } from '#contracts/orders-ws.ts'
import { readJson, readOptionalJson } from '#http/body.ts'
import { decodeCursor, pageOf } from '#http/cursor.ts'
import { sendJson } from '#http/json.ts'
import { Problem } from '#http/problem.ts'
import { validated } from '#http/validation.ts'
import { idempotencyKeyOf, sendIdempotentResponse } from '#idempotency/key.ts'
import { replayOrRefuse, withIdempotencyKey } from '#idempotency/transaction.ts'
import type { LimitUser } from '#limits/user-limit.ts'
import { authenticatedBy } from '#principal/authenticated.ts'
import type { Principal } from '#principal/principal.ts'
import { foreignUser } from '#principal/refusals.ts'
import type { Verify } from '#principal/verifier.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { createOrderAcceptor } from './accept-orders.ts'
import { acceptRefund, noSuchOrder } from './accept-refund.ts'
import type { BackPressure } from './back-pressure/back-pressure.ts'
import { toOrderResponse } from './order-response.ts'
import { upgradeRequired } from './push/handshake.ts'
import { findOrder, findTimeline, listOrders } from './rows.ts'
import { timelineOf } from './timeline.ts'

export interface Orders {
  db: Database<OrdersDatabase>
  /** Called after each commit that left something in the outbox. */
  notifyRelay: () => void
  /** Says who calls. */
  verify: Verify
  logger: Logger
  tracing?: Tracing | undefined
  /** Refuses who calls too often. */
  limitUser?: LimitUser | undefined
  /** Refuses new orders and refunds while too much waits. */
  backPressure: Pick<BackPressure, 'admit'>
}

interface Serving extends Orders {
  accept: ReturnType<typeof createOrderAcceptor>
}

/** The HTTP interface of Orders, as docs/generated/openapi/orders.json describes it. */
export function ordersRouter(options: Orders): Router {
  const { db, logger, tracing } = options
  const orders = { ...options, accept: createOrderAcceptor(db, logger, tracing) }
  const as = authenticatedBy(options.verify, 'orders', options.limitUser)
  const router = new Router({ sensitive: true, strict: true })
  router.post(
    '/orders',
    as((principal, ctx) => postOrder(principal, orders, ctx)),
  )
  router.get(
    '/orders',
    as((principal, ctx) => getOrders(principal, orders, ctx)),
  )
  router.get(statusSocketPath, () => {
    throw upgradeRequired()
  })
  router.get(
    '/orders/:order_id',
    as((principal, ctx) => getOrder(principal, orders, ctx)),
  )
  router.get(
    '/orders/:order_id/timeline',
    as((principal, ctx) => getTimeline(principal, orders, ctx)),
  )
  router.post(
    '/orders/:order_id/refund',
    as((principal, ctx) => postRefund(principal, orders, ctx)),
  )
  return router
}

async function postOrder(principal: Principal, orders: Serving, ctx: Context) {
  const { db, accept, notifyRelay, backPressure } = orders
  const key = idempotencyKeyOf(ctx)
  const placed = parsePlaceOrder(await readJson(ctx))
  const userId = principal.own(placed.user_id)
  if (!userId) throw foreignUser()

  const order = { ...placed, user_id: userId }
  const request = { userId, operation: 'POST /orders', key, fingerprintSource: order }
  const traceparent = ctx.get('traceparent')
  const outcome = await backPressure.admit(
    () => accept({ ...request, order, traceparent }),
    (refusal) => replayOrRefuse<OrdersDatabase, Order>(db, request, refusal),
  )
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
async function postRefund(principal: Principal, orders: Serving, ctx: Context) {
  const { db, notifyRelay, backPressure } = orders
  const key = idempotencyKeyOf(ctx)
  validated(validateRefundOrder, await readOptionalJson(ctx))
  const orderId = orderIdOf(ctx)
  const order = await findOrder(principal, db, orderId)
  const userId = order && principal.own(order.user_id)
  if (!userId) throw noSuchOrder()
  const operation = 'POST /orders/{order_id}/refund'
  const scope = { userId, operation, key, fingerprintSource: { order_id: orderId } }
  const traceparent = ctx.get('traceparent')
  const response = await backPressure.admit(
    () =>
      withIdempotencyKey(db, scope, (trx) => acceptRefund(principal, trx, orderId, traceparent)),
    (refusal) => replayOrRefuse<OrdersDatabase, Order>(db, scope, refusal),
  )
  if (!response.replayed) notifyRelay()
  sendIdempotentResponse(ctx, response)
}

async function getOrder(principal: Principal, { db }: Orders, ctx: Context) {
  const order = await findOrder(principal, db, orderIdOf(ctx))
  if (!order) throw noSuchOrder()
  sendJson(ctx, toOrderResponse(order))
}

/** Where the order has been, by what its own service has written down. */
async function getTimeline(principal: Principal, { db }: Orders, ctx: Context) {
  const orderId = orderIdOf(ctx)
  const row = await findTimeline(principal, db, orderId)
  if (!row) throw noSuchOrder()
  sendJson(ctx, timelineOf(orderId, row))
}

async function getOrders(principal: Principal, { db }: Orders, ctx: Context) {
  const query = validated(validateListOrders, { ...ctx.query })
  if (!principal.owns(query.user_id)) throw new Problem(404, 'There are no orders of this user.')
  const size = Number(query.limit ?? defaultLimit)
  const rows = await listOrders(principal, db, {
    userId: query.user_id,
    statuses: query.status && [query.status],
    after: decodeCursor(query.cursor),
    limit: size + 1,
  })
  const page = pageOf(rows, size, {
    positionOf: ({ created_at, order_id }) => ({ created_at, id: order_id }),
    itemOf: toOrderResponse,
  })
  sendJson(ctx, page)
}

/** An order id that could not be one is an address where nothing is. */
function orderIdOf(ctx: Context): string {
  const { order_id } = ctx.params as { order_id?: string }
  if (order_id && uuidPattern.test(order_id)) return order_id
  throw noSuchOrder()
}
