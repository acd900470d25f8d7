import { sql } from 'kysely'
import type { RequestType } from '#contracts/event-types.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { TestDatabase } from '#testing/database.ts'

/** An order counts the requests for what it was asked for last. */
const requests = {
  payment: 'PaymentRequested',
  refund: 'RefundRequested',
} as const satisfies Record<string, RequestType>

/**
 * Each retry is a count with the order and an event in the outbox, in one transaction: a sentence
 * for each order that has more of the one than of the other. The next retry would hide it, so that
 * the end of the order does not tell.
 */
export async function halfRetries(orders: TestDatabase<OrdersDatabase>): Promise<string[]> {
  const halves = await orders.rows(sql<{
    order_id: string
    request_attempts: number
    events: number
  }>`
    SELECT order_id, request_attempts, count(event_id)::int AS events
    FROM orders LEFT JOIN outbox
      ON event_type = CASE WHEN refund_accepted_at IS NULL THEN ${requests.payment} ELSE ${requests.refund} END
         AND payload_json ->> 'subject' = order_id::text
    GROUP BY order_id HAVING request_attempts <> count(event_id)`)
  return halves.map(
    ({ order_id, request_attempts, events }) =>
      `order ${order_id} counts ${request_attempts} requests, the outbox has ${events}`,
  )
}
