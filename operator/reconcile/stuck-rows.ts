import { type Kysely, sql } from 'kysely'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { rowsOf } from '../rows-of.ts'

/** An event that is not published, and how that went until now. */
export interface OutboxFacts {
  order_id: string
  event_id: string
  last_error: string | null
  attempts: number
}

/** What the outbox still owes about some orders. */
export const findUnpublished = (db: Kysely<MessagingDatabase>, orderIds: string[]) =>
  rowsOf<OutboxFacts, MessagingDatabase>(
    db,
    sql`
      SELECT payload_json->>'subject' AS order_id, event_id, last_error,
             publish_attempts AS attempts
      FROM outbox
      WHERE published_at IS NULL AND payload_json->>'subject' = ANY (${orderIds}::text[])`,
  )

/** How often the handling of an event has begun, and ended with an error. */
export interface AttemptFacts {
  event_id: string
  started: number
  finished: number
  last_error: string | null
}

/** Events whose handling goes badly; few. */
export const findAttempts = (db: Kysely<MessagingDatabase>) =>
  rowsOf<AttemptFacts, MessagingDatabase>(
    db,
    sql`SELECT event_id, started, finished, last_error FROM attempts LIMIT 10000`,
  )

/** An event that waits for a row which somebody has locked. */
export interface DeferredFacts {
  event_id: string
  waits_for: string
}

/** Events that wait for locked rows. */
export const findDeferred = (db: Kysely<MessagingDatabase>) =>
  rowsOf<DeferredFacts, MessagingDatabase>(
    db,
    sql`SELECT event_id, waits_for FROM deferred_events LIMIT 10000`,
  )

/** Whose orders some events are about, by the outbox that they came from. */
export const findSubjects = (db: Kysely<MessagingDatabase>, eventIds: string[]) =>
  rowsOf<{ event_id: string; order_id: string }, MessagingDatabase>(
    db,
    sql`
      SELECT event_id, payload_json->>'subject' AS order_id
      FROM outbox WHERE event_id = ANY (${eventIds}::uuid[])`,
  )

/** Which of some events have been handled. */
export const findHandled = (db: Kysely<MessagingDatabase>, eventIds: string[]) =>
  rowsOf<{ event_id: string }, MessagingDatabase>(
    db,
    sql`SELECT event_id FROM inbox WHERE event_id = ANY (${eventIds}::uuid[])`,
  )
