import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'

/** Longest payload of a NOTIFY, in bytes (PostgreSQL: shorter than 8,000). */
export const maxPayloadBytes = 7_999

/**
 * Sends a notification to all listeners on the channel; inside a transaction, PostgreSQL sends it
 * at the commit.
 */
export const notify = <Tables>(
  db: Database<Tables> | Transaction<Tables>,
  channel: string,
  payloads: string[],
) =>
  sql`
    /* notify */
    SELECT pg_notify(${channel}, payload) FROM unnest(${payloads}::text[]) AS payload
  `.execute(db)
