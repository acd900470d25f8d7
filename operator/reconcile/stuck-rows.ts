import { type Kysely, sql } from 'kysely'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { rowsOf } from '../rows-of.ts'

/** An event that is not published, with its attempts and its last error. */
export interface OutboxFacts {
  order_id: string
  event_id: string
  last_error: string | null
  attempts: number
}

/** The unpublished events of some orders. */
export const findUnpublished = (db: Kysely<MessagingDatabase>, orderIds: string[]) =>
  rowsOf<OutboxFacts, MessagingDatabase>(
    db,
    sql`
      SELECT payload_json->>'subject' AS order_id, event_id, last_error,
             publish_attempts AS attempts
      FROM outbox
      WHERE published_at IS NULL AND payload_json->>'subject' = ANY (${orderIds}::text[])`,
  )

/** The started and the finished attempts of an event. */
export interface AttemptFacts {
  event_id: string
  started: number
  finished: number
  last_error: string | null
}

/** Events with attempts, which are few. */
export const findAttempts = (db: Kysely<MessagingDatabase>) =>
  rowsOf<AttemptFacts, MessagingDatabase>(
    db,
    sql`SELECT event_id, started, finished, last_error FROM attempts LIMIT 10000`,
  )

/** An event that waits for a locked row. */
export interface DeferredFacts {
  event_id: string
  waits_for: string
  /** The message itself: the outbox of its sender may not have it any more. */
  content: Buffer
}

/** Events that wait for locked rows. */
export const findDeferred = (db: Kysely<MessagingDatabase>) =>
  rowsOf<DeferredFacts, MessagingDatabase>(
    db,
    sql`SELECT event_id, waits_for, content FROM deferred_events LIMIT 10000`,
  )

/** The orders of some events, by the outbox of their sender. */
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
