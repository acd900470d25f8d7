import { type Kysely, sql, type Transaction } from 'kysely'
import type { InboxTable } from '#tables/messaging.ts'

export interface WithInbox {
  inbox: InboxTable
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

/** Of events that were not handled after all: a dead letter that is sent again must not look like a duplicate. */
export const forgetEvents = (trx: Transaction<WithInbox>, ids: string[]) =>
  sql`DELETE FROM inbox WHERE event_id = ANY (${ids}::uuid[])`.execute(trx)

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingInbox = (db: Kysely<WithInbox>) => sql`SELECT FROM inbox LIMIT 0`.execute(db)
