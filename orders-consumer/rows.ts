import { type Kysely, sql, type Transaction } from 'kysely'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'
import type { RequestState, UnansweredOrder } from './ask-again.ts'
import type { SettledOrder, Settlement } from './settle-orders.ts'

const pending = sql.raw(pendingList)

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

/** Locks what it can of orders, without waiting, and returns the ids of those that others have locked. */
export const lockOrSkipOrders = async (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
): Promise<string[]> => {
  const { rows } = await sql<{ order_id: string }>`
    WITH ours AS (
      SELECT order_id FROM orders WHERE order_id = ANY (${orderIds}::uuid[])
      FOR NO KEY UPDATE SKIP LOCKED)
    SELECT order_id FROM orders
    WHERE order_id = ANY (${orderIds}::uuid[]) AND order_id NOT IN (SELECT order_id FROM ours)
  `.execute(trx)
  return rows.map(({ order_id }) => order_id)
}

export interface StatusChange extends Omit<Extract<Settlement, { kind: 'settle' }>, 'kind'> {
  orderId: string
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
    WHERE orders.order_id = change.order_id AND orders.status IN (${pending})
  `.execute(trx)

/** A place in the order in which orders are looked at: by how long they have waited. */
export interface Position {
  /** As the database writes it, to the microsecond. */
  waiting_since: string
  order_id: string
}

/**
 * The next pending orders after a position that have waited for so long, the longest first, with what
 * the outbox knows of their last request. Locks nothing, and reads no more than `limit` orders and
 * requests, however many there are: `OFFSET 0` keeps the planner from reading the whole outbox for
 * a hash join, which it prefers once it has statistics (600,000 requests: 0.9 s).
 */
export const findUnanswered = async (
  db: Kysely<OrdersDatabase>,
  { after, afterMs, limit }: { after: Position | undefined; afterMs: number; limit: number },
) => {
  const { rows } = await sql<Position & RequestState>`
    SELECT waiting.order_id, waiting_since::text AS waiting_since, ${requestState}
    FROM (
      SELECT order_id, request_id, waiting_since FROM orders
      WHERE status IN (${pending})
        AND waiting_since <= now() - ${afterMs}::int * interval '1 millisecond'
        AND waiting_since >= ${after?.waiting_since ?? '-infinity'}::timestamptz
        AND (waiting_since, order_id) > (
          ${after?.waiting_since ?? '-infinity'}::timestamptz, ${after?.order_id ?? nobody}::uuid)
      ORDER BY waiting_since, order_id
      LIMIT (SELECT ${limit}::bigint)
    ) AS waiting LEFT JOIN LATERAL (
      SELECT event_id, published_at FROM outbox WHERE event_id = waiting.request_id OFFSET 0
    ) AS request ON true
    ORDER BY waiting.waiting_since, waiting.order_id
  `.execute(db)
  return rows
}

/** Before every order. */
const nobody = '00000000-0000-0000-0000-000000000000'

const requestState = sql`
  request.event_id IS NOT NULL AND request.published_at IS NULL AS is_unpublished,
  (extract(epoch FROM now() - request.published_at) * 1000)::float8 AS published_ms_ago`

/**
 * Those of the orders that still wait for so long, locked until commit, as they are now. `skip
 * locked`: an order that is being settled has its answer, and another consumer may be asking.
 */
export const claimUnanswered = async (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
  afterMs: number,
) => {
  const { rows } = await sql<UnansweredOrder>`
    SELECT order_id, user_id, amount, status, times_asked, ${requestState}
    FROM orders LEFT JOIN outbox AS request ON request.event_id = orders.request_id
    WHERE order_id = ANY (${orderIds}::uuid[]) AND status IN (${pending})
      AND waiting_since <= now() - ${afterMs}::int * interval '1 millisecond'
    ORDER BY order_id
    FOR NO KEY UPDATE OF orders SKIP LOCKED
  `.execute(trx)
  return rows
}

export interface Asking {
  orderId: string
  /** The event that asks again. */
  requestId: string
  waitsFromMs: number
}

/** Of orders claimed in the same transaction. */
export const setAsked = (trx: Transaction<OrdersDatabase>, askings: Asking[]) =>
  sql`
    UPDATE orders
    SET waiting_since = now() + asking.waits_from_ms * interval '1 millisecond',
        request_id = asking.request_id,
        times_asked = times_asked + 1
    FROM unnest(
      ${askings.map(({ orderId }) => orderId)}::uuid[],
      ${askings.map(({ requestId }) => requestId)}::uuid[],
      ${askings.map(({ waitsFromMs }) => waitsFromMs)}::float8[])
      AS asking (order_id, request_id, waits_from_ms)
    WHERE orders.order_id = asking.order_id
  `.execute(trx)
