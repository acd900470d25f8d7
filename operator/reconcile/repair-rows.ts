import { type Kysely, sql, type Transaction } from 'kysely'
import type { PendingStatus } from '#contracts/order-states.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { type OrderColumns, type OrdersDatabase, pendingList } from '#tables/orders.ts'
import { rowsOf } from '../rows-of.ts'

type PendingRow = OrderColumns<'order_id' | 'user_id' | 'amount'> & {
  status: PendingStatus
  /** Of the last request. */
  traceparent: string | null
}

/**
 * The orders that are still pending, locked until the commit. `skip locked`: an order that is being
 * settled has its answer, and a locked order must not delay the others.
 */
export const claimPending = (trx: Transaction<OrdersDatabase>, orderIds: string[]) =>
  rowsOf<PendingRow, OrdersDatabase>(
    trx,
    sql`
      SELECT order_id, user_id, amount, status,
        (SELECT payload_json->>'traceparent' FROM outbox WHERE event_id = request_id) AS traceparent
      FROM orders
      WHERE order_id = ANY (${orderIds}::uuid[]) AND status IN (${sql.raw(pendingList)})
      ORDER BY order_id
      FOR NO KEY UPDATE SKIP LOCKED`,
  )

export interface NewRequest {
  orderId: string
  requestId: string
}

/**
 * Counts one more request of orders that are claimed in the transaction; its timeout starts now.
 */
export const setRequested = (trx: Transaction<OrdersDatabase>, requests: NewRequest[]) =>
  sql`
    UPDATE orders
    SET request_id = request.request_id, request_attempts = request_attempts + 1,
        timeout_starts_at = now()
    FROM unnest(
      ${requests.map(({ orderId }) => orderId)}::uuid[],
      ${requests.map(({ requestId }) => requestId)}::uuid[]) AS request (order_id, request_id)
    WHERE orders.order_id = request.order_id
  `.execute(trx)

/** The events that a relay has delayed after a failure, by the index of unpublished events. */
export const findDelayed = (db: Kysely<MessagingDatabase>) =>
  rowsOf<{ event_id: string }, MessagingDatabase>(
    db,
    sql`
      SELECT event_id FROM outbox
      WHERE published_at IS NULL AND next_attempt_at > now()
      ORDER BY event_id`,
  )

/** Makes delayed events due, and returns them. Leaves out events that a relay has claimed. */
export const makeDueNow = (db: Kysely<MessagingDatabase>, eventIds: string[]) =>
  rowsOf<{ event_id: string }, MessagingDatabase>(
    db,
    sql`
      UPDATE outbox SET next_attempt_at = now()
      WHERE event_id IN (SELECT event_id FROM outbox
                         WHERE event_id = ANY (${eventIds}::uuid[])
                           AND published_at IS NULL AND next_attempt_at > now()
                         ORDER BY event_id FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING event_id`,
  )
