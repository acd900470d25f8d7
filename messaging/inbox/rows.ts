import { type Kysely, sql, type Transaction } from 'kysely'
import type { AttemptsTable, InboxTable } from '../tables.ts'
import type { WithDeferred } from './deferred-rows.ts'
import type { Attempts } from './suspicion.ts'

export interface WithInbox extends WithDeferred {
  inbox: InboxTable
  attempts: AttemptsTable
}

/**
 * Remembers events in the transaction of their effect and returns the ids that were new. The ids
 * are sorted, so that two consumers with overlapping batches wait for each other in one direction.
 */
export const rememberEvents = async (
  trx: Transaction<WithInbox>,
  events: { id: string; type: string }[],
) => {
  const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const { rows } = await sql<{ event_id: string }>`
    INSERT INTO inbox (event_id, event_type)
    SELECT * FROM unnest(
      ${sorted.map(({ id }) => id)}::uuid[],
      ${sorted.map(({ type }) => type)}::text[])
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id
  `.execute(trx)
  return new Set(rows.map((row) => row.event_id))
}

/** Of events that were not handled after all: what is sent again must not look like a duplicate. */
export const forgetEvents = (trx: Transaction<WithInbox>, ids: string[]) =>
  sql`DELETE FROM inbox WHERE event_id = ANY (${ids}::uuid[])`.execute(trx)

/** What was counted of the attempts at some events; nothing of those that were never in trouble. */
export const readAttempts = async (db: Kysely<WithInbox>, ids: string[]) => {
  const { rows } = await sql<Attempts & { event_id: string }>`
    SELECT event_id, started, finished FROM attempts WHERE event_id = ANY (${ids}::uuid[])
  `.execute(db)
  return new Map(rows.map(({ event_id, ...attempts }) => [event_id, attempts]))
}

/**
 * Counts that an attempt begins, after `before`; once, also when it is said twice because no answer came.
 * The commit is sent only after the database has answered: a connection on which answers no longer arrive
 * leaves no start, however long its process waits, and whatever ends the process meanwhile.
 * The commit does not wait for the disk: the count is there for the death of a consumer, not for that
 * of the database.
 */
export const countStart = (db: Kysely<WithInbox>, id: string, before: Attempts) =>
  db.transaction().execute((trx) =>
    sql`
      INSERT INTO attempts (event_id, started, finished)
      SELECT ${id}::uuid, ${before.started}::int + 1, ${before.finished}::int
      FROM set_config('synchronous_commit', 'off', true)
      ON CONFLICT (event_id) DO UPDATE
      SET started = greatest(attempts.started, excluded.started), last_started_at = clock_timestamp()
    `.execute(trx),
  )

/** Takes back what `countStart` has counted after `before`: the attempt told nothing of the event. */
export const takeStartBack = (db: Kysely<WithInbox>, id: string, before: Attempts) =>
  sql`
    UPDATE attempts SET started = least(started, ${before.started}::int) WHERE event_id = ${id}::uuid
  `.execute(db)

/** Counts that an attempt came to an end, as a failure, and returns how many did until now. */
export const countFailure = async (db: Kysely<WithInbox>, id: string, error: string) => {
  const { rows } = await sql<{ finished: number }>`
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

/** Of events that are handled, parked or deferred. */
export const forgetAttempts = (db: Kysely<WithInbox>, ids: string[]) =>
  sql`DELETE FROM attempts WHERE event_id = ANY (${ids}::uuid[])`.execute(db)

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingInbox = (db: Kysely<WithInbox>) => sql`SELECT FROM inbox LIMIT 0`.execute(db)
