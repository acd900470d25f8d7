import { sql } from 'kysely'
import type { InTransaction, Queryable } from '#chassis/database/connect.ts'
import type { ExpiringTable } from './expiring-tables.ts'

/** Says which tables expire, and after what time. Changes nothing that is so already. */
export const declareTables = (db: Queryable, tables: readonly ExpiringTable[]) =>
  sql`
    /* declareTables */
    INSERT INTO retention (table_name, retention_ms)
    SELECT * FROM unnest(
      ${tables.map(({ name }) => name)}::text[],
      ${tables.map(({ retentionMs }) => retentionMs)}::bigint[])
    ON CONFLICT (table_name) DO UPDATE SET retention_ms = excluded.retention_ms
    WHERE retention.retention_ms <> excluded.retention_ms
  `.execute(db)

export interface ClaimedTable {
  position: string | null
  /** What is older has expired. */
  before: Date
}

/**
 * The right to delete the next batch of a table, until commit; undefined when it is not due, or
 * another process has it. `skip locked`: nobody waits. The lock is that of the row, so it ends with
 * the transaction, behind a pooler too.
 *
 * The transaction ends its statements soon and does not wait for the disk: deleted rows that are
 * back after a crash of the server are deleted again.
 */
export const claimTable = async (
  trx: InTransaction,
  { name, retentionMs }: Pick<ExpiringTable, 'name' | 'retentionMs'>,
) => {
  const { rows } = await sql<ClaimedTable>`
    /* claimTable */
    SELECT position, now() - ${retentionMs}::float8 * interval '1 millisecond' AS before,
           set_config('statement_timeout', '1000', true),
           set_config('synchronous_commit', 'off', true)
    FROM retention WHERE table_name = ${name} AND due_at <= now()
    FOR NO KEY UPDATE SKIP LOCKED
  `.execute(trx)
  return rows[0]
}

/** Keys after one, up to another. */
export interface KeyRange {
  after: string
  upTo: string
}

const within = ({ key, keyType }: ExpiringTable, { after, upTo }: KeyRange) => {
  const type = sql.raw(keyType)
  return sql`${sql.ref(key)} > ${after}::${type} AND ${sql.ref(key)} <= ${upTo}::${type}`
}

/**
 * The key of the last of so many rows, whatever their age; undefined when the range has fewer.
 * Locks nothing, and reads the index alone. The planner must not know the limit, as in the claim of
 * the relay.
 */
export const findBatchEnd = async (
  trx: InTransaction,
  table: ExpiringTable,
  range: KeyRange,
  size: number,
) => {
  const { rows } = await sql<{ key: string }>`
    /* findBatchEnd */
    SELECT ${sql.ref(table.key)}::text AS key FROM ${sql.table(table.name)}
    WHERE ${within(table, range)}
    ORDER BY ${sql.ref(table.key)}
    OFFSET (SELECT ${size - 1}::bigint) LIMIT (SELECT 1)
  `.execute(trx)
  return rows[0]?.key
}

/**
 * Deletes the expired rows of a range, and returns their number. `skip locked`: a row that somebody
 * holds stays for the next pass. By their place in the table, which is sure while they are locked.
 */
export const deleteExpired = async (
  trx: InTransaction,
  table: ExpiringTable,
  range: KeyRange,
  before: Date,
) => {
  const { numAffectedRows = 0n } = await sql`
    /* deleteExpired */
    DELETE FROM ${sql.table(table.name)} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${sql.table(table.name)}
      WHERE ${within(table, range)} AND ${sql.ref(table.age)} < ${before}::timestamptz
      FOR UPDATE SKIP LOCKED))
  `.execute(trx)
  return Number(numAffectedRows)
}

export interface Progress {
  table: string
  /** Where the pass goes on; null: it is finished. */
  position: string | null
  isFirst: boolean
  deleted: number
  before: Date
  pauseMs: number
}

/** Of a table that is claimed in the same transaction, which has deleted the rows. */
export const saveProgress = (
  trx: InTransaction,
  { table, position, isFirst, deleted, before, pauseMs }: Progress,
) =>
  sql`
    /* saveProgress */
    UPDATE retention
    SET position = ${position}::text,
        deleted = CASE WHEN ${isFirst}::boolean THEN 0 ELSE deleted END + ${deleted}::bigint,
        deleted_ever = deleted_ever + ${deleted}::bigint,
        expired_before = greatest(expired_before, ${before}::timestamptz),
        due_at = clock_timestamp() + ${pauseMs}::float8 * interval '1 millisecond',
        finished_at = CASE WHEN ${position}::text IS NULL THEN clock_timestamp() ELSE finished_at END
    WHERE table_name = ${table}
  `.execute(trx)
