import { PG_MIGRATE_LOCK_ID } from 'node-pg-migrate'
import type { SessionClient } from '#chassis/database/session.ts'

/** Only one process at a time changes the tables and rights of a database: others wait. */
export async function exclusively<T>(session: SessionClient, work: () => Promise<T>): Promise<T> {
  await session.query('SELECT pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID])
  try {
    return await work()
  } finally {
    await session.query('SELECT pg_advisory_unlock($1)', [PG_MIGRATE_LOCK_ID])
  }
}
