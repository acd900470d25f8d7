import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Publisher } from '#messaging/broker/publisher.ts'
import { runConsumer, subscribe } from '#messaging/inbox/consumer.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { silent } from './logger.ts'

/**
 * A consumer that dies of every event with the note `kill`, run by quarantine.integration.test.ts: its
 * arguments are the URLs of the database and the broker, and the name of the queue. Each other event
 * leaves its mark in the table `effects`.
 */
const [databaseUrl = '', brokerUrl = '', queue = ''] = process.argv.slice(2)

async function main(): Promise<void> {
  const topology = { queues: [{ queue, exchange: queue, routingKeys: ['thing'] }] }
  const at = { name: 'mortal', url: brokerUrl, topology, logger: silent }
  const db = connectDatabase<MessagingDatabase>({ name: 'mortal', url: databaseUrl })
  const options = {
    ...{ db, queue, logger: silent, deadLetters: new Publisher(at), maxAttempts: 3 },
    ...{ batchSize: 200, concurrency: 2, lingerMs: 2 },
    decode: (content: Buffer) =>
      ({ kind: 'event', event: JSON.parse(content.toString()) as Thing }) as const,
    handle: async (trx: Transaction<MessagingDatabase>, events: Thing[]) => {
      const ids = events.map(({ id }) => id)
      await sql`INSERT INTO effects (event_id) SELECT unnest(${ids}::text[])`.execute(trx)
      if (events.some(({ note }) => note === 'kill')) process.kill(process.pid, 'SIGKILL')
      return events.map(() => ({ kind: 'handled' }) as const)
    },
  }
  await runConsumer(options, subscribe({ ...at, queue }, options), new AbortController().signal)
}

interface Thing {
  id: string
  type: string
  note?: string
}

await main()
