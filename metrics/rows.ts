import { type RawBuilder, sql } from 'kysely'
import type { Queryable } from '#chassis/database/connect.ts'
import { pendingStatuses } from '#contracts/order-states.ts'
import { pendingList } from '#tables/orders.ts'

/** No more is counted, so that a gauge costs the same however much waits. */
export const maxDepth = 100_000

const limit = sql`(SELECT ${maxDepth}::bigint)`

/**
 * Computes those of the gauges again that are older than `maxAgeMs`. `skip locked`: while another
 * process computes a gauge, nobody else does. `measured` is evaluated for each row of `due` alone,
 * since it names `due`.
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

/** By the index of unpublished events: those that are due first, with the oldest of them. */
export const refreshOutbox = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: ['outbox'], maxAgeMs },
    sql`
      SELECT count(*) AS depth, min(created_at) AS oldest_at FROM (
        SELECT created_at FROM outbox
        WHERE published_at IS NULL AND due.name = 'outbox'
        ORDER BY next_attempt_at, event_id
        LIMIT ${limit}) AS unpublished`,
  )

export const refreshDeferred = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: ['deferred_events'], maxAgeMs },
    sql`
      SELECT count(*) AS depth, min(deferred_at) AS oldest_at FROM (
        SELECT deferred_at FROM deferred_events
        WHERE due.name = 'deferred_events' ORDER BY deferred_id LIMIT ${limit}) AS deferred`,
  )

/** By the index of pending orders. One that waits for its refund waits since that was accepted. */
export const refreshPending = (db: Queryable, maxAgeMs: number) =>
  refresh(
    db,
    { names: pendingStatuses, maxAgeMs },
    sql`
      SELECT count(*) AS depth, min(since) AS oldest_at FROM (
        SELECT status, coalesce(refund_accepted_at, created_at) AS since FROM orders
        WHERE status IN (${sql.raw(pendingList)}) AND due.name IS NOT NULL
        ORDER BY timeout_starts_at
        LIMIT ${limit}) AS pending
      WHERE pending.status = due.name`,
  )

/** A gauge as it was computed last; the age of what waits is the present one. */
export interface GaugeRow {
  name: string
  depth: number
  /** 0 if nothing waits. */
  age_seconds: number
  computed_seconds_ago: number
}

export const readGauges = async (db: Queryable): Promise<GaugeRow[]> => {
  const { rows } = await sql<GaugeRow>`
    SELECT name, depth::float8 AS depth,
           coalesce(greatest(extract(epoch FROM clock_timestamp() - oldest_at), 0), 0)::float8
             AS age_seconds,
           extract(epoch FROM clock_timestamp() - computed_at)::float8 AS computed_seconds_ago
    FROM gauges
  `.execute(db)
  return rows
}
