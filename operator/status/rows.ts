import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'

export interface OutboxStatus {
  unpublished: number
  oldest_ms: number | null
  failing: number
}

const ageMs = (time: RawBuilder<unknown>) =>
  sql`(extract(epoch FROM clock_timestamp() - min(${time})) * 1000)::float8`

/** By the index of what is unpublished. */
export const readOutbox = async (db: Kysely<MessagingDatabase>): Promise<OutboxStatus> => {
  const { rows } = await sql<OutboxStatus>`
    SELECT count(*)::int AS unpublished, ${ageMs(sql.ref('created_at'))} AS oldest_ms,
           (count(*) FILTER (WHERE last_error IS NOT NULL))::int AS failing
    FROM outbox WHERE published_at IS NULL`.execute(db)
  return rows[0] as OutboxStatus
}

export interface PendingStatus {
  pending: number
  oldest_ms: number | null
  requested_again: number
}

/**
 * By the index of pending orders. One that waits for its refund has waited since that was accepted.
 */
export const readPending = async (db: Kysely<OrdersDatabase>): Promise<PendingStatus> => {
  const { rows } = await sql<PendingStatus>`
    SELECT count(*)::int AS pending,
           ${ageMs(sql`coalesce(refund_accepted_at, created_at)`)} AS oldest_ms,
           coalesce(sum(request_attempts - 1), 0)::int AS requested_again
    FROM orders WHERE status IN (${sql.raw(pendingList)})`.execute(db)
  return rows[0] as PendingStatus
}

export interface Flow {
  published: number
  handled: number
}

/**
 * What a service has published and handled within the last so many seconds, of events not older
 * than an id: there is no index by these times, but events in motion are young, and their ids are
 * times.
 */
export const readFlow = async (
  db: Kysely<MessagingDatabase>,
  { sinceId, seconds }: { sinceId: string; seconds: number },
): Promise<Flow> => {
  const { rows } = await sql<Flow>`
    SELECT (SELECT count(*) FROM outbox WHERE event_id >= ${sinceId}::uuid
              AND published_at > clock_timestamp() - ${seconds}::int * interval '1 second')::int
              AS published,
           (SELECT count(*) FROM inbox WHERE event_id >= ${sinceId}::uuid
              AND received_at > clock_timestamp() - ${seconds}::int * interval '1 second')::int
              AS handled`.execute(db)
  return rows[0] as Flow
}
