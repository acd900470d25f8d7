import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'

/** Longest payload of a NOTIFY, in bytes (PostgreSQL: shorter than 8,000). */
export const maxPayloadBytes = 7_999

/** Tells whoever listens on the channel; inside a transaction, once it has committed. */
export const notify = <Tables>(
  db: Database<Tables> | Transaction<Tables>,
  channel: string,
  payloads: string[],
) =>
  sql`SELECT pg_notify(${channel}, payload) FROM unnest(${payloads}::text[]) AS payload`.execute(db)
