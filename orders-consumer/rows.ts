import { type Kysely, sql, type Transaction } from 'kysely'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { UnansweredOrder } from './ask-again.ts'
import type { SettledOrder } from './settle-orders.ts'

/** Orders as they are, locked until commit, in the order of their ids: no two batches can deadlock. */
export const lockOrders = (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
): Promise<SettledOrder[]> =>
  trx
    .selectFrom('orders')
    .select(['order_id', 'user_id', 'amount', 'status', 'failure_reason'])
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .orderBy('order_id')
    .forNoKeyUpdate()
    .execute()

export interface StatusChange {
  orderId: string
  status: 'PAID' | 'PAYMENT_FAILED'
  failureReason: string | null
  timeline?: StageTimes
}

/** When it was where, as far as the reply says. */
export type StageTimes = Record<
  'relayedAt' | 'receivedAt' | 'chargedAt' | 'replyRelayedAt',
  string | undefined
>

/** Of orders locked in the same transaction; a final status is never overwritten. */
export const setStatuses = (trx: Transaction<OrdersDatabase>, changes: StatusChange[]) =>
  sql`
    UPDATE orders
    SET status = change.status, failure_reason = change.failure_reason, updated_at = clock_timestamp(),
        relayed_at = change.relayed_at, received_at = change.received_at,
        charged_at = change.charged_at, reply_relayed_at = change.reply_relayed_at
    FROM unnest(
      ${changes.map(({ orderId }) => orderId)}::uuid[],
      ${changes.map(({ status }) => status)}::text[],
      ${changes.map(({ failureReason }) => failureReason)}::text[],
      ${changes.map(({ timeline }) => timeline?.relayedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.receivedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.chargedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.replyRelayedAt ?? null)}::timestamptz[])
      AS change (order_id, status, failure_reason,
                 relayed_at, received_at, charged_at, reply_relayed_at)
    WHERE orders.order_id = change.order_id AND orders.status = 'PAYMENT_PENDING'
  `.execute(trx)

/** Whether any order has waited for so long: others may be at it. */
export const hasUnanswered = async (db: Kysely<OrdersDatabase>, afterMs: number) => {
  const { rows } = await sql<{ waits: boolean }>`
    SELECT EXISTS (
      SELECT FROM orders
      WHERE status = 'PAYMENT_PENDING'
        AND waiting_since <= now() - ${afterMs}::int * interval '1 millisecond') AS waits
  `.execute(db)
  return rows[0]?.waits === true
}

/**
 * Pending orders that have waited for so long, the longest first, locked until commit, with what
 * the outbox knows of their last request. `skip locked`: an order that is being settled has its answer.
 */
export const claimUnanswered = async (
  trx: Transaction<OrdersDatabase>,
  afterMs: number,
  limit: number,
) => {
  const { rows } = await sql<UnansweredOrder>`
    SELECT order_id, user_id, amount, times_asked,
           request.event_id IS NOT NULL AND request.published_at IS NULL AS is_unpublished,
           (extract(epoch FROM now() - request.published_at) * 1000)::float8 AS published_ms_ago
    FROM orders LEFT JOIN outbox AS request ON request.event_id = orders.request_id
    WHERE status = 'PAYMENT_PENDING' AND waiting_since <= now() - ${afterMs}::int * interval '1 millisecond'
    ORDER BY waiting_since
    LIMIT (SELECT ${limit}::bigint)
    FOR NO KEY UPDATE OF orders SKIP LOCKED
  `.execute(trx)
  return rows
}

export interface Asking {
  orderId: string
  /** The event that asks again; null if none does. */
  requestId: string | null
  waitsFromMs: number
}

/** Of orders claimed in the same transaction. */
export const setWaiting = (trx: Transaction<OrdersDatabase>, askings: Asking[]) =>
  sql`
    UPDATE orders
    SET waiting_since = now() + asking.waits_from_ms * interval '1 millisecond',
        request_id = coalesce(asking.request_id, orders.request_id),
        times_asked = times_asked + (asking.request_id IS NOT NULL)::int
    FROM unnest(
      ${askings.map(({ orderId }) => orderId)}::uuid[],
      ${askings.map(({ requestId }) => requestId)}::uuid[],
      ${askings.map(({ waitsFromMs }) => waitsFromMs)}::float8[])
      AS asking (order_id, request_id, waits_from_ms)
    WHERE orders.order_id = asking.order_id
  `.execute(trx)
