import { type Kysely, sql } from 'kysely'
import type { MessagingDatabase } from '#tables/messaging.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { rowsOf } from './rows-of.ts'

/** Makes orders-consumer ask for them again at once; says which. */
export const stopWaiting = (db: Kysely<OrdersDatabase>, orderIds: string[]) =>
  rowsOf<{ order_id: string }, OrdersDatabase>(
    db,
    sql`
      UPDATE orders SET waiting_since = '-infinity'
      WHERE order_id IN (SELECT order_id FROM orders
                         WHERE order_id = ANY (${orderIds}::uuid[]) AND status = 'PAYMENT_PENDING'
                         ORDER BY order_id FOR NO KEY UPDATE)
      RETURNING order_id`,
  )

/** Makes the relay try at once what it has put off; says which. Not what it has in work just now. */
export const stopPuttingOff = (db: Kysely<MessagingDatabase>) =>
  rowsOf<{ event_id: string }, MessagingDatabase>(
    db,
    sql`
      UPDATE outbox SET next_attempt_at = now()
      WHERE event_id IN (SELECT event_id FROM outbox
                         WHERE published_at IS NULL AND next_attempt_at > now()
                         ORDER BY event_id FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING event_id`,
  )
