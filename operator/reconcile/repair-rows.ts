import { type Kysely, sql, type Transaction } from 'kysely'
import type { PendingStatus } from '#contracts/order-states.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { type OrderColumns, type OrdersDatabase, pendingList } from '#tables/orders.ts'
import { rowsOf } from '../rows-of.ts'

type PendingRow = OrderColumns<'order_id' | 'user_id' | 'amount'> & { status: PendingStatus }

/**
 * Those that are still pending, locked until commit. `skip locked`: an order that is being settled
 * has its answer, and one that somebody else holds must not keep the others waiting.
 */
export const claimPending = (trx: Transaction<OrdersDatabase>, orderIds: string[]) =>
  rowsOf<PendingRow, OrdersDatabase>(
    trx,
    sql`
      SELECT order_id, user_id, amount, status FROM orders
      WHERE order_id = ANY (${orderIds}::uuid[]) AND status IN (${sql.raw(pendingList)})
      ORDER BY order_id
      FOR NO KEY UPDATE SKIP LOCKED`,
  )

export interface NewRequest {
  orderId: string
  requestId: string
}

/** Of orders claimed in the same transaction: asked for once more, and waiting from now on. */
export const noteAsked = (trx: Transaction<OrdersDatabase>, requests: NewRequest[]) =>
  sql`
    UPDATE orders
    SET request_id = asked.request_id, times_asked = times_asked + 1, waiting_since = now()
    FROM unnest(
      ${requests.map(({ orderId }) => orderId)}::uuid[],
      ${requests.map(({ requestId }) => requestId)}::uuid[]) AS asked (order_id, request_id)
    WHERE orders.order_id = asked.order_id
  `.execute(trx)

/** What a relay has put off, by the index of what is unpublished. */
export const findPutOff = (db: Kysely<MessagingDatabase>) =>
  rowsOf<{ event_id: string }, MessagingDatabase>(
    db,
    sql`
      SELECT event_id FROM outbox
      WHERE published_at IS NULL AND next_attempt_at > now()
      ORDER BY event_id`,
  )

/** Makes the relay try some of it at once; says which. Not what it has in work just now. */
export const stopPuttingOff = (db: Kysely<MessagingDatabase>, eventIds: string[]) =>
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
