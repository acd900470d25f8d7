import { sql } from 'kysely'
import type { Logger } from '../logger.ts'
import type { Queryable } from './connect.ts'

/** What is known of the standbys of a server. */
export interface Replication {
  /** Connected now. */
  standbys: number
  /** Known by their replication slots, and not connected. */
  missing: number
  /** Commits wait for a standby. */
  isSynchronous: boolean
}

/**
 * Why a cluster may lose commits, or take none; undefined for one that keeps them, and for a server
 * that never had a standby.
 */
export function weaknessOf({ standbys, missing, isSynchronous }: Replication): string | undefined {
  if (standbys > 0) return isSynchronous ? undefined : asynchronous
  if (isSynchronous) return 'commits wait for a standby, and none is connected'
  return missing > 0
    ? 'no standby is connected: what is confirmed is on one server only'
    : undefined
}

const asynchronous =
  'no standby is synchronous: a fail-over can lose what was confirmed. Set synchronous_standby_names, and synchronous_commit = on'

/** Everybody may read these columns; more of them a member of pg_monitor only. */
export async function readReplication(db: Queryable): Promise<Replication | undefined> {
  const { rows } = await sql<Replication>`
    /* readReplication */
    SELECT (SELECT count(*) FROM pg_stat_replication)::int AS standbys,
           (SELECT count(*) FROM pg_replication_slots
            WHERE slot_type = 'physical' AND NOT active)::int AS missing,
           current_setting('synchronous_standby_names') <> ''
             AND current_setting('synchronous_commit') <> 'local' AS "isSynchronous"
  `.execute(db)
  return rows[0]
}

/** Says at a start what kind of cluster it is. Never rejects: as `warnWithoutRoom`. */
export async function tellReplication(db: Queryable, logger: Logger): Promise<void> {
  const found = await readReplication(db).catch(() => undefined)
  if (!found) return
  const weakness = weaknessOf(found)
  if (weakness) logger.warn(found, `PostgreSQL is no cluster that survives a server: ${weakness}`)
  else if (found.isSynchronous) logger.info(found, 'PostgreSQL has a synchronous standby')
}
