import { sql } from 'kysely'
import type { InTransaction, Queryable } from '#chassis/database/connect.ts'

export interface NewEvent {
  event_id: string
  event_type: string
  /** The whole event as JSON text. */
  payload_json: string
}

/** In the caller's transaction, with the effect that the events tell of. */
export const insertEvents = (trx: InTransaction, events: NewEvent[]) =>
  sql`
    /* insertEvents */
    INSERT INTO outbox (event_id, event_type, payload_json)
    SELECT * FROM unnest(
      ${events.map((event) => event.event_id)}::uuid[],
      ${events.map((event) => event.event_type)}::text[],
      ${events.map((event) => event.payload_json)}::jsonb[])
  `.execute(trx)

const due = sql`EXISTS (
  SELECT FROM outbox WHERE published_at IS NULL AND next_attempt_at <= now())`

/** Whether a claim may find anything: others may hold it. */
export const hasDueEvents = async (db: Queryable) => {
  const { rows } = await sql<{ due: boolean }>`/* hasDueEvents */ SELECT ${due} AS due`.execute(db)
  return rows[0]?.due === true
}

/** The same, and a notification that must arrive where this process listens. */
export const hasDueEventsProbing = async (
  db: Queryable,
  { channel, payload }: { channel: string; payload: string },
) => {
  const { rows } = await sql<{ due: boolean }>`
    /* hasDueEventsProbing */
    SELECT ${due} AS due, pg_notify(${channel}, ${payload})
  `.execute(db)
  return rows[0]?.due === true
}

export interface ClaimedEvent {
  event_id: string
  event_type: string
  payload: string
  publish_attempts: number
}

/**
 * The longest due events, locked until commit. `skip locked`: relays never wait for each other.
 *
 * The limit is a subquery so that the planner does not know it: with the number in sight and no
 * fresh statistics it sorts the whole backlog for every claim, instead of following the index.
 */
export const claimEvents = async (trx: InTransaction, limit: number) => {
  const { rows } = await sql<ClaimedEvent>`
    /* claimEvents */
    SELECT event_id, event_type, payload_json::text AS payload, publish_attempts
    FROM outbox
    WHERE published_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at, event_id
    LIMIT (SELECT ${limit}::bigint)
    FOR UPDATE SKIP LOCKED
  `.execute(trx)
  return rows
}

/** Of events claimed in the same transaction. */
export const markPublished = (trx: InTransaction, ids: string[]) =>
  sql`
    /* markPublished */
    UPDATE outbox
    SET published_at = clock_timestamp(), publish_attempts = publish_attempts + 1, last_error = NULL
    WHERE event_id = ANY (${ids}::uuid[])
  `.execute(trx)

export interface FailedEvent {
  id: string
  error: string
  retryAfterMs: number
}

/** Of events claimed in the same transaction: counted, and left alone for a while. */
export const markFailed = (trx: InTransaction, failed: FailedEvent[]) =>
  sql`
    /* markFailed */
    UPDATE outbox
    SET publish_attempts = publish_attempts + 1,
        last_error = failed.error,
        next_attempt_at = clock_timestamp() + failed.retry_after_ms * interval '1 millisecond'
    FROM unnest(
      ${failed.map(({ id }) => id)}::uuid[],
      ${failed.map(({ error }) => error)}::text[],
      ${failed.map(({ retryAfterMs }) => retryAfterMs)}::int[]) AS failed (id, error, retry_after_ms)
    WHERE event_id = failed.id
  `.execute(trx)

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingOutbox = (db: Queryable) =>
  sql`/* pingOutbox */ SELECT FROM outbox LIMIT 0`.execute(db)
