import { type Kysely, sql } from 'kysely'
import type { EventType } from '#contracts/event-types.ts'
import { firstIdAt } from '#messaging/event-ids.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import type { OrderColumns, OrdersDatabase } from '#tables/orders.ts'
import type { LedgerColumns, PaymentsDatabase } from '#tables/payments.ts'
import { rowsOf } from '../rows-of.ts'

export interface TracedOrder
  extends OrderColumns<
    | 'order_id'
    | 'user_id'
    | 'amount'
    | 'status'
    | 'failure_reason'
    | 'request_attempts'
    | 'request_id'
    | 'created_at'
    | 'settled_at'
    | 'refund_accepted_at'
    | 'updated_at'
  > {
  /** The database's clock when this was read. */
  read_at: Date
}

export const findOrder = async (db: Kysely<OrdersDatabase>, orderId: string) => {
  const rows = await rowsOf<TracedOrder, OrdersDatabase>(
    db,
    sql`
      SELECT order_id, user_id, amount, status, failure_reason, request_attempts, request_id,
             created_at, settled_at, refund_accepted_at, updated_at, clock_timestamp() AS read_at
      FROM orders WHERE order_id = ${orderId}::uuid`,
  )
  return rows[0]
}

export type TracedEntry = LedgerColumns<
  'tx_id' | 'type' | 'amount' | 'status' | 'reason' | 'created_at'
>

/** What the ledger has of an order. */
export const findEntries = (db: Kysely<PaymentsDatabase>, orderId: string) =>
  rowsOf<TracedEntry, PaymentsDatabase>(
    db,
    sql`
      SELECT tx_id, type, amount, status, reason, created_at
      FROM ledger WHERE order_id = ${orderId}::uuid`,
  )

export interface TracedEvent {
  event_id: string
  event_type: string
  created_at: Date
  published_at: Date | null
  publish_attempts: number
  last_error: string | null
}

/**
 * What an outbox has promised about an order. There is no index for that, but the ids of events are
 * times: only those between two moments are read, and the request that the order names.
 */
export const findEvents = (
  db: Kysely<MessagingDatabase>,
  about: {
    orderId: string
    types: readonly EventType[]
    between: [Date, Date]
    requestId: string | null
  },
) => {
  const [first, last] = about.between.map(firstIdAt)
  return rowsOf<TracedEvent, MessagingDatabase>(
    db,
    sql`
      SELECT event_id, event_type, created_at, published_at, publish_attempts, last_error
      FROM outbox
      WHERE event_type = ANY (${about.types}::text[])
        AND (event_id = ${about.requestId}::uuid
             OR (event_id BETWEEN ${first}::uuid AND ${last}::uuid
                 AND payload_json->>'subject' = ${about.orderId}))
      ORDER BY created_at, event_id`,
  )
}

export interface Receipt {
  event_id: string
  received_at: Date | null
  started: number | null
  last_error: string | null
  waits_for: string | null
}

/** What the receiver knows of some events: handled, tried in vain, or waiting for a locked row. */
export const findReceipts = (db: Kysely<MessagingDatabase>, eventIds: string[]) =>
  rowsOf<Receipt, MessagingDatabase>(
    db,
    sql`
      SELECT event_id, received_at, started, last_error,
             (SELECT min(waits_for) FROM deferred_events AS deferred
              WHERE deferred.event_id = asked.event_id) AS waits_for
      FROM unnest(${eventIds}::uuid[]) AS asked (event_id)
      LEFT JOIN inbox USING (event_id) LEFT JOIN attempts USING (event_id)`,
  )
