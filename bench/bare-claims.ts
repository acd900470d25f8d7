import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { claimEvents, markPublished } from '#messaging/outbox/rows.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { answerRounds } from './processes.ts'
import type { Claiming } from './relay.ts'

/** The relay's statements without a broker: what is claimed counts as confirmed at once. */
answerRounds(async ({ ordersUrl, batchSize, concurrency }: Claiming) => {
  const db = connectDatabase<MessagingDatabase>({ name: 'bench', url: ordersUrl })
  const worker = async () => {
    while ((await claimAndMark(db, batchSize)) > 0);
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  await db.close()
  return {}
})

const claimAndMark = (db: Database<MessagingDatabase>, batchSize: number): Promise<number> =>
  db.transaction().execute(async (trx) => {
    const events = await claimEvents(trx, batchSize)
    if (events.length > 0) {
      await markPublished(
        trx,
        events.map(({ event_id }) => event_id),
      )
    }
    return events.length
  })
