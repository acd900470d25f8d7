import { type Kysely, sql } from 'kysely'
import type { ExpiringTable } from '#messaging/retention/expiring-tables.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { rowsOf } from '../rows-of.ts'

/** How far the retention of a table has come. */
export interface RetentionState {
  table: string
  /** How long its rows are kept, as a process was told. */
  retention_ms: number
  /** Rows that are older may be gone; null: nothing was deleted yet. */
  expired_before: Date | null
  /** Rows that the last pass has deleted, or the one in progress. */
  deleted: number
  deleted_ever: number
  is_in_progress: boolean
  /** The time since the last pass was finished; null: none was. */
  finished_ms_ago: number | null
  /** For how long the next batch has been due; negative: it is not. */
  due_ms_ago: number
  /** What has expired by now. */
  expires_before: Date
}

/** Of all tables that expire; none before a consumer has run. */
export const readRetention = (db: Kysely<MessagingDatabase>) =>
  rowsOf<RetentionState, MessagingDatabase>(
    db,
    sql`
      SELECT table_name AS table, retention_ms::float8 AS retention_ms, expired_before,
             deleted::float8 AS deleted, deleted_ever::float8 AS deleted_ever,
             position IS NOT NULL AS is_in_progress,
             (extract(epoch FROM clock_timestamp() - finished_at) * 1000)::float8 AS finished_ms_ago,
             (extract(epoch FROM clock_timestamp() - due_at) * 1000)::float8 AS due_ms_ago,
             now() - retention_ms * interval '1 millisecond' AS expires_before
      FROM retention ORDER BY table_name`,
  )

/** How many rows of a table have expired, by the index in whose order retention reads. */
export const countExpired = async (
  db: Kysely<MessagingDatabase>,
  { name, key, keyType, lastKeyAt, age }: ExpiringTable,
  before: Date,
) => {
  const rows = await rowsOf<{ expired: number }, MessagingDatabase>(
    db,
    sql`
      SELECT count(*)::int AS expired FROM ${sql.table(name)}
      WHERE ${sql.ref(key)} <= ${lastKeyAt(before)}::${sql.raw(keyType)}
        AND ${sql.ref(age)} < ${before}::timestamptz`,
  )
  return rows[0]?.expired ?? 0
}
