import { type RawBuilder, sql } from 'kysely'
import type { Queryable } from '#chassis/database/connect.ts'
import { pendingStatuses } from '#contracts/order-states.ts'
import { pendingList } from '#tables/orders.ts'

/** No more is counted, so that a gauge costs the same however much waits. */
export const maxDepth = 100_000

/** A gauge as it was computed last; the age of what waits is the present one. */
export interface GaugeRow {
  name: string
  depth: number
  /** 0 if nothing waits. */
  age_seconds: number
  computed_seconds_ago: number
}

const limit = sql`(SELECT ${maxDepth}::bigint)`

/**
 * Computes those of the gauges again that are older than `maxAgeMs`. `skip locked`: while another
 * process computes a gauge, nobody else does. `measured` is evaluated for each row of `due` alone,
 * since it names `due`, and has the name of the statement.
 */
const refresh = (
  db: Queryable,
  { names, maxAgeMs }: { names: readonly string[]; maxAgeMs: number },
  measured: RawBuilder<unknown>,
) =>
  sql`
    WITH due AS MATERIALIZED (
      SELECT name FROM gauges
      WHERE name = ANY (${names}::text[])
        AND computed_at <= now() - ${maxAgeMs}::int * interval '1 millisecond'
      ORDER BY name
      FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE gauges
    SET depth = measured.depth, oldest_at = measured.oldest_at, computed_at = now()
    FROM due CROSS JOIN LATERAL (${measured}) AS measured
    WHERE gauges.name = due.name
  `.execute(db)

const always = sql`true`

/** By the index of unpublished events: those that are due first. */
const unpublished = (condition: RawBuilder<unknown> = always) => sql`
  SELECT created_at AS since FROM outbox
  WHERE published_at IS NULL AND ${condition}
  ORDER BY next_attempt_at, event_id
  LIMIT ${limit}`

/** By the index of pending orders. One that waits for its refund waits since that was accepted. */
const pending = (condition: RawBuilder<unknown> = always) => sql`
  SELECT status, coalesce(refund_accepted_at, created_at) AS since FROM orders
  WHERE status IN (${sql.raw(pendingList)}) AND ${condition}
  ORDER BY timeout_starts_at
  LIMIT ${limit}`

export const refreshOutbox = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: ['outbox'], maxAgeMs },
    sql`
      /* refreshOutbox */
      SELECT count(*) AS depth, min(since) AS oldest_at
      FROM (${unpublished(sql`due.name = 'outbox'`)}) AS unpublished`,
  )

export const refreshDeferred = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: ['deferred_events'], maxAgeMs },
    sql`
      /* refreshDeferred */
      SELECT count(*) AS depth, min(deferred_at) AS oldest_at FROM (
        SELECT deferred_at FROM deferred_events
        WHERE due.name = 'deferred_events' ORDER BY deferred_id LIMIT ${limit}) AS deferred`,
  )

export const refreshPending = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: pendingStatuses, maxAgeMs },
    sql`
      /* refreshPending */
      SELECT count(*) AS depth, min(since) AS oldest_at
      FROM (${pending(sql`due.name IS NOT NULL`)}) AS pending
      WHERE pending.status = due.name`,
  )

export const readGauges = async (db: Queryable): Promise<GaugeRow[]> => {
  const { rows } = await sql<GaugeRow>`
    /* readGauges */
    SELECT name, depth::float8 AS depth,
           coalesce(greatest(extract(epoch FROM clock_timestamp() - oldest_at), 0), 0)::float8
             AS age_seconds,
           extract(epoch FROM clock_timestamp() - computed_at)::float8 AS computed_seconds_ago
    FROM gauges
  `.execute(db)
  return rows
}

/**
 * How many events, or how many orders, whichever are more, wait for longer than `ms`. Counts up to
 * `most`: where many wait for so long, few rows are read.
 */
export const countOverdue = async (db: Queryable, ms: number, most: number): Promise<number> => {
  const overdue = (waiting: RawBuilder<unknown>) => sql`
    SELECT count(*) FROM (
      SELECT FROM (${waiting}) AS waiting
      WHERE since < now() - ${ms}::float8 * interval '1 millisecond'
      LIMIT ${most}::int) AS overdue`
  const { rows } = await sql<{ overdue: number }>`
    /* countOverdue */
    SELECT greatest((${overdue(unpublished())}), (${overdue(pending())}))::int AS overdue
  `.execute(db)
  return rows[0]?.overdue ?? 0
}

export interface OverdueTable {
  table: string
  overdue_seconds: number
}

/** For how long retention has let the next batch of each table wait; 0: it is not due. */
export const readOverdueTables = async (db: Queryable): Promise<OverdueTable[]> => {
  const { rows } = await sql<OverdueTable>`
    /* readOverdueTables */
    SELECT table_name AS table,
           greatest(extract(epoch FROM clock_timestamp() - due_at), 0)::float8 AS overdue_seconds
    FROM retention
  `.execute(db)
  return rows
}
