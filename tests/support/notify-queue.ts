import { sql } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { notify } from '#messaging/notifications/notify.ts'

/** Payloads that fill the notification queue of the test server, which has 64 pages. */
const payloads = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(7_000, '.'))

/** Fills the notification queue: rejects as soon as the queue is full. */
export async function fillNotifyQueue(db: Database<unknown>, channel: string): Promise<void> {
  for (let times = 0; times < 100; times++) await notify(db, channel, payloads)
}

/** Makes PostgreSQL free the part of the queue that every listener has read. */
export const cleanUpNotifyQueue = (db: Database<unknown>) =>
  sql`SELECT pg_notification_queue_usage()`.execute(db)

/** Runs `work` while a listener is idle in a transaction, so that the queue cannot be freed. */
export async function whileListenerIsIdle(url: string, work: () => Promise<void>): Promise<void> {
  const listener = connectDatabase<unknown>({ name: 'idle listener', url, poolSize: 1 })
  try {
    await listener.connection().execute(async (one) => {
      await sql`LISTEN news`.execute(one)
      await sql`BEGIN`.execute(one)
      await sql`SELECT`.execute(one)
      await work()
      await sql`ROLLBACK`.execute(one)
      await sql`UNLISTEN *`.execute(one)
    })
  } finally {
    await listener.close()
  }
}
