import { sql } from 'kysely'
import type { Logger } from '../logger.ts'
import { Outage, type OutageOptions } from '../outage.ts'
import type { Database } from './connect.ts'
import { untilAvailable } from './retry.ts'

/** What PostgreSQL may be told to skip, and what is then not true any more. */
const promises: Record<string, string> = {
  fsync: 'a power cut can destroy the database',
  full_page_writes: 'a power cut can leave half-written pages',
  synchronous_commit: 'a crash can undo what was confirmed',
}

/**
 * Makes sure that what the server confirms is on disk: all that this system promises rests on it.
 * Rejects with a line for each setting that is off, and for nothing else: a server that is away, or
 * lets us not in, is waited for, and said.
 */
export async function requireDurability<Tables>(
  db: Database<Tables>,
  signal: AbortSignal,
  logger: Logger,
  options: Pick<OutageOptions, 'everyMs'> = {},
): Promise<void> {
  const outage = new Outage({ logger, what: 'the database cannot be reached', ...options })
  refuse((await untilAvailable(() => settingsThatAreOff(db), signal, outage)) ?? [])
}

async function settingsThatAreOff<Tables>(db: Database<Tables>): Promise<string[]> {
  const names = Object.keys(promises)
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM pg_settings WHERE name = ANY (${names}::text[]) AND setting = 'off' ORDER BY name
  `.execute(db)
  return rows.map(({ name }) => name)
}

function refuse(names: string[]): void {
  if (names.length === 0) return
  const lines = names.map((name) => `PostgreSQL runs with ${name} = off: ${promises[name]}`)
  throw new Error(`Cannot start:\n  ${lines.join('\n  ')}`)
}
