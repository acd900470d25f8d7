import { type Kysely, sql, type Transaction } from 'kysely'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'
import type { OverdueOrder, RequestState } from './retry-policy.ts'

const pending = sql.raw(pendingList)

/** A position in the list of pending orders, which is sorted by the start of their timeout. */
export interface Position {
  /** As the database writes it, to the microsecond. */
  timeout_starts_at: string
  order_id: string
}

/**
 * The next overdue orders after a position, the most overdue first, with what the outbox knows of
 * their last request. Locks nothing, and reads no more than `limit` orders and requests, however
 * many there are: `OFFSET 0` keeps the planner from reading the whole outbox for a hash join, which
 * it prefers once it has statistics (600,000 requests: 0.9 s).
 */
export const findOverdueOrders = async (
  db: Kysely<OrdersDatabase>,
  { after, timeoutMs, limit }: { after: Position | undefined; timeoutMs: number; limit: number },
) => {
  const { rows } = await sql<Position & RequestState>`
    /* findOverdueOrders */
    SELECT overdue.order_id, timeout_starts_at::text AS timeout_starts_at, ${requestState}
    FROM (
      SELECT order_id, request_id, timeout_starts_at FROM orders
      WHERE status IN (${pending})
        AND timeout_starts_at <= now() - ${timeoutMs}::int * interval '1 millisecond'
        AND timeout_starts_at >= ${after?.timeout_starts_at ?? '-infinity'}::timestamptz
        AND (timeout_starts_at, order_id) > (
          ${after?.timeout_starts_at ?? '-infinity'}::timestamptz, ${after?.order_id ?? nobody}::uuid)
      ORDER BY timeout_starts_at, order_id
      LIMIT (SELECT ${limit}::bigint)
    ) AS overdue LEFT JOIN LATERAL (
      SELECT event_id, published_at FROM outbox WHERE event_id = overdue.request_id OFFSET 0
    ) AS request ON true
    ORDER BY overdue.timeout_starts_at, overdue.order_id
  `.execute(db)
  return rows
}

/** Before every order. */
const nobody = '00000000-0000-0000-0000-000000000000'

const requestState = sql`
  request.event_id IS NOT NULL AND request.published_at IS NULL AS is_unpublished,
  (extract(epoch FROM now() - request.published_at) * 1000)::float8 AS published_ms_ago`

/**
 * Those of the orders that are still overdue, locked until commit, as they are now. `skip locked`:
 * an order that is being settled has its answer, and another consumer may be retrying.
 */
export const claimOverdueOrders = async (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
  timeoutMs: number,
) => {
  const { rows } = await sql<OverdueOrder>`
    /* claimOverdueOrders */
    SELECT order_id, user_id, amount, status, request_attempts, ${requestState},
           request.payload_json->>'traceparent' AS traceparent
    FROM orders LEFT JOIN outbox AS request ON request.event_id = orders.request_id
    WHERE order_id = ANY (${orderIds}::uuid[]) AND status IN (${pending})
      AND timeout_starts_at <= now() - ${timeoutMs}::int * interval '1 millisecond'
    ORDER BY order_id
    FOR NO KEY UPDATE OF orders SKIP LOCKED
  `.execute(trx)
  return rows
}

export interface Retry {
  orderId: string
  /** The event that requests the payment, or the refund, again. */
  requestId: string
  /** See extraTimeoutMs. */
  extraTimeoutMs: number
}

/** Of orders claimed in the same transaction. */
export const setRequested = (trx: Transaction<OrdersDatabase>, retries: Retry[]) =>
  sql`
    /* setRequested */
    UPDATE orders
    SET timeout_starts_at = now() + retry.extra_timeout_ms * interval '1 millisecond',
        request_id = retry.request_id,
        request_attempts = request_attempts + 1
    FROM unnest(
      ${retries.map(({ orderId }) => orderId)}::uuid[],
      ${retries.map(({ requestId }) => requestId)}::uuid[],
      ${retries.map(({ extraTimeoutMs }) => extraTimeoutMs)}::float8[])
      AS retry (order_id, request_id, extra_timeout_ms)
    WHERE orders.order_id = retry.order_id
  `.execute(trx)
