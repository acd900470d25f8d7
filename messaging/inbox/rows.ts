import { sql } from 'kysely'
import type { Database, InTransaction, Queryable } from '#chassis/database/connect.ts'
import type { Attempts } from './quarantine-policy.ts'

/**
 * Records events in the transaction of their effect and returns the ids that were new. The ids
 * are sorted, so that two consumers with overlapping batches wait for each other in one direction.
 */
export const insertIntoInbox = async (
  trx: InTransaction,
  events: { id: string; type: string }[],
) => {
  const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const { rows } = await sql<{ event_id: string }>`
    /* insertIntoInbox */
    INSERT INTO inbox (event_id, event_type)
    SELECT * FROM unnest(
      ${sorted.map(({ id }) => id)}::uuid[],
      ${sorted.map(({ type }) => type)}::text[])
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id
  `.execute(trx)
  return new Set(rows.map((row) => row.event_id))
}

/** Of events without an effect: when they come again they must not look like duplicates. */
export const deleteFromInbox = (trx: InTransaction, ids: string[]) =>
  sql`/* deleteFromInbox */ DELETE FROM inbox WHERE event_id = ANY (${ids}::uuid[])`.execute(trx)

/** The counted attempts of events; none for events that were neither redelivered nor failed. */
export const readAttempts = async (db: Queryable, ids: string[]) => {
  const { rows } = await sql<Attempts & { event_id: string }>`
    /* readAttempts */
    SELECT event_id, started, finished FROM attempts WHERE event_id = ANY (${ids}::uuid[])
  `.execute(db)
  return new Map(rows.map(({ event_id, ...attempts }) => [event_id, attempts]))
}

/**
 * Counts the start of an attempt of each event, after `before`: once, also when it is repeated
 * because no answer came. The commit is sent only after the database has answered, so that a
 * connection without answers leaves no counted start, whatever ends its process. The commit does
 * not wait for the disk: the count must survive a crash of the consumer, not of the database. The
 * ids are sorted, so that two consumers with the same events wait in one direction.
 */
export const recordStarts = <Tables>(db: Database<Tables>, before: ReadonlyMap<string, Attempts>) =>
  db.transaction().execute((trx) =>
    sql`
      /* recordStarts */
      INSERT INTO attempts (event_id, started, finished)
      SELECT event_id, started + 1, finished
      FROM ${attemptRows(before)} CROSS JOIN set_config('synchronous_commit', 'off', true)
      ORDER BY event_id
      ON CONFLICT (event_id) DO UPDATE
      SET started = greatest(attempts.started, excluded.started),
          last_started_at = excluded.last_started_at
    `.execute(trx),
  )

/** Undoes `recordStarts` after `before`: the events were not the cause of the failure. */
export const revertStarts = (db: Queryable, before: ReadonlyMap<string, Attempts>) =>
  sql`
    /* revertStarts */
    UPDATE attempts SET started = least(attempts.started, before.started)
    FROM ${attemptRows(before)} WHERE attempts.event_id = before.event_id
  `.execute(db)

/**
 * Undoes the starts without an end of all events, after an outage: no event is the cause of a
 * consumer's death in it. Skips the events that another consumer is just starting.
 */
export const revertAllStarts = (db: Queryable) =>
  sql`
    /* revertAllStarts */
    UPDATE attempts SET started = finished WHERE event_id IN (
      SELECT event_id FROM attempts WHERE started > finished FOR UPDATE SKIP LOCKED)
  `.execute(db)

const attemptRows = (attempts: ReadonlyMap<string, Attempts>) => sql`unnest(
  ${[...attempts.keys()]}::uuid[],
  ${[...attempts.values()].map(({ started }) => started)}::int[],
  ${[...attempts.values()].map(({ finished }) => finished)}::int[]
) AS before (event_id, started, finished)`

/** Counts the end of a failed attempt, and returns the number of failed attempts. */
export const recordFailure = async (db: Queryable, id: string, error: string) => {
  const { rows } = await sql<{ finished: number }>`
    /* recordFailure */
    INSERT INTO attempts (event_id, started, finished, last_error)
    VALUES (${id}::uuid, 1, 1, ${error})
    ON CONFLICT (event_id) DO UPDATE
    SET started = greatest(attempts.started, attempts.finished + 1),
        finished = attempts.finished + 1,
        last_error = excluded.last_error
    RETURNING finished
  `.execute(db)
  return rows[0]?.finished ?? 1
}

/** Of events that are handled, dead-lettered or deferred. */
export const deleteAttempts = (db: Queryable, ids: string[]) =>
  sql`/* deleteAttempts */ DELETE FROM attempts WHERE event_id = ANY (${ids}::uuid[])`.execute(db)

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingInbox = (db: Queryable) =>
  sql`/* pingInbox */ SELECT FROM inbox LIMIT 0`.execute(db)
