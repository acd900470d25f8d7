import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'

/** Payloads that fill the queue of the tests' server after a few dozen times. */
export const page = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(7_000, '.'))

/** What is done while somebody listens in a transaction that is idle, so that nothing is freed. */
export async function asleep(url: string, work: () => Promise<void>): Promise<void> {
  const sleeper = connectDatabase<unknown>({ name: 'sleeper', url, poolSize: 1 })
  try {
    await sleeper.connection().execute(async (one) => {
      await sql`LISTEN news`.execute(one)
      await sql`BEGIN`.execute(one)
      await sql`SELECT`.execute(one)
      await work()
      await sql`ROLLBACK`.execute(one)
      await sql`UNLISTEN *`.execute(one)
    })
  } finally {
    await sleeper.close()
  }
}
