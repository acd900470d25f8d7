import { sql } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { notify } from '#messaging/notifications/notify.ts'

/** Payloads that fill the queue of the tests' server, which has 64 pages, after a few times. */
const payloads = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(7_000, '.'))

/** Rejects as soon as the queue is full; resolves when it will not be. */
export async function fillQueue(db: Database<unknown>, channel: string): Promise<void> {
  for (let times = 0; times < 100; times++) await notify(db, channel, payloads)
}

/** What nobody but a listener of ours does. */
export const freeQueue = (db: Database<unknown>) =>
  sql`SELECT pg_notification_queue_usage()`.execute(db)

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
