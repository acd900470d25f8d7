import { sql } from 'kysely'
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
 * Rejects with a line for each setting that is off. Waits for a server that is away.
 */
export async function requireDurability<Tables>(
  db: Database<Tables>,
  signal: AbortSignal,
): Promise<void> {
  refuse((await untilAvailable(() => settingsThatAreOff(db), signal)) ?? [])
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
