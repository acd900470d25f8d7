import { sql } from 'kysely'
import type { Logger } from '../logger.ts'
import { Outage, type OutageOptions } from '../outage.ts'
import type { Database } from './connect.ts'
import { tellReplication } from './replication.ts'
import { untilAvailable } from './retry.ts'

/** The settings by which PostgreSQL skips writes to the disk, and what that can cost. */
const consequences: Record<string, string> = {
  fsync: 'a power cut can destroy the database',
  full_page_writes: 'a power cut can leave half-written pages',
  synchronous_commit: 'a crash can undo what was confirmed',
}

/**
 * Makes sure that a commit which the server confirms is on disk: every promise of this system
 * relies on that. Rejects with a line for each setting that is off, and for no other reason: a
 * server that is away, or refuses the login, is waited for, and the outage is logged. Says of a
 * cluster whether the commit is on a standby, too.
 */
export async function requireDurability<Tables>(
  db: Database<Tables>,
  signal: AbortSignal,
  logger: Logger,
  options: Pick<OutageOptions, 'everyMs'> = {},
): Promise<void> {
  const outage = new Outage({ logger, what: 'the database cannot be reached', ...options })
  assertAllOn((await untilAvailable(() => settingsThatAreOff(db), signal, outage)) ?? [])
  if (!signal.aborted) await tellReplication(db, logger)
}

async function settingsThatAreOff<Tables>(db: Database<Tables>): Promise<string[]> {
  const names = Object.keys(consequences)
  const { rows } = await sql<{ name: string }>`
    /* settingsThatAreOff */
    SELECT name FROM pg_settings WHERE name = ANY (${names}::text[]) AND setting = 'off' ORDER BY name
  `.execute(db)
  return rows.map(({ name }) => name)
}

function assertAllOn(names: string[]): void {
  if (names.length === 0) return
  const lines = names.map((name) => `PostgreSQL runs with ${name} = off: ${consequences[name]}`)
  throw new Error(`Cannot start:\n  ${lines.join('\n  ')}`)
}
