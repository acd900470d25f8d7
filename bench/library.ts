import { DatabaseSetup } from 'pg-transactional-outbox'
import { paymentRequests } from './requests.ts'
import { execute, type Servers } from './servers.ts'

/** How the library is started: it then works until the harness hangs up. */
export interface LibraryStart {
  libraryUrl: string
  brokerUrl: string
  route: { exchange: string; routingKey: string }
  /** In the library's words; what is missing has its default. */
  settings: { nextMessagesBatchSize?: number; nextMessagesPollingIntervalInMs?: number }
  /** Handlers side by side, each with a connection and a channel. */
  parallel: number
}

/**
 * The fastest that its documentation has: rows marked as fit for parallel work, large batches from
 * the first on, a pool of connections and of channels, a short polling interval.
 */
export const bestSettings = {
  settings: { nextMessagesBatchSize: 1_000, nextMessagesPollingIntervalInMs: 50 },
  parallel: 50,
}

/** What it does when told nothing: 5 messages at a time, every 500 ms. */
export const defaultSettings = { settings: {}, parallel: 10 }

/** What all functions below are about. */
export const libraryTable = {
  outboxOrInbox: 'outbox',
  database: 'library',
  schema: 'public',
  table: 'outbox',
  listenerRole: 'postgres',
  nextMessagesName: 'next_outbox_messages',
} as const

/**
 * pg-transactional-outbox in a database of its own, with the table, function and indexes it makes.
 */
export async function openLibrary({ database }: Servers, name: string) {
  const libraryUrl = await database(name)
  await execute(libraryUrl, DatabaseSetup.dropAndCreateTable(libraryTable))
  await execute(libraryUrl, DatabaseSetup.createPollingFunction(libraryTable))
  await execute(libraryUrl, DatabaseSetup.setupPollingIndexes(libraryTable))
  return {
    libraryUrl,
    /** Messages per second, of so many that were committed together. */
    drainRate: async (count: number): Promise<number> => {
      await execute(libraryUrl, 'TRUNCATE outbox')
      await insertMessages(libraryUrl, count)
      return (count * 0.99) / (await untilDrained(libraryUrl, count))
    },
  }
}

/** In one transaction. Rows that are not marked as parallel are handled one after another. */
export async function insertMessages(libraryUrl: string, count: number): Promise<string[]> {
  const events = paymentRequests(count, 1_000)
  const ids = events.map(({ id }) => id)
  await execute(
    libraryUrl,
    `INSERT INTO outbox (id, aggregate_type, aggregate_id, message_type, concurrency, payload)
     SELECT id, 'order', id::text, 'PaymentRequested', 'parallel', payload
     FROM unnest($1::uuid[], $2::jsonb[]) AS event (id, payload)`,
    [ids, events.map((event) => JSON.stringify(event))],
  )
  return ids
}

/**
 * Returns the seconds that the first 99 in 100 took: now and then it finds a row locked by itself
 * and tries it again 5 s later, which in a long run would hardly show.
 */
async function untilDrained(libraryUrl: string, count: number): Promise<number> {
  const deadline = performance.now() + 120_000
  while (performance.now() < deadline) {
    const [found] = await execute<{ processed: number; seconds: number }>(
      libraryUrl,
      `SELECT pg_sleep(0.2);
       SELECT count(processed_at)::int AS processed,
              extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY processed_at)
                                 - min(created_at))::float8 AS seconds
       FROM outbox`,
    )
    if (found?.processed === count) return found.seconds
  }
  throw new Error(`the library has not published ${count} messages in 2 minutes`)
}
