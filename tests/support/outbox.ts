import { randomUUIDv7 } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { declareTopology } from '#messaging/broker/topology.ts'
import { appendEvents, type RelayOptions, runRelay } from '#messaging/index.ts'
import { useBroker } from './broker.ts'
import { useDatabase } from './database.ts'
import { recordedHealth } from './engine.ts'
import { eventIdsOf } from './event-ids.ts'
import { eventually } from './eventually.ts'
import { silent } from './logger.ts'
import { running, useResources } from './resources.ts'

const exchanges = ['events', 'unbound']
const topology = {
  exchanges,
  queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }],
}
const routes = {
  Happened: { exchange: 'events', routingKey: 'happened' },
  Unheard: { exchange: 'unbound', routingKey: 'anything' },
  Poison: { exchange: 'nowhere', routingKey: 'happened' },
}

interface OutboxRow {
  event_id: string
  published_at: Date | null
  publish_attempts: number
  last_error: string | null
  waits: boolean
}

/** An outbox, a queue `all` for what is published, and relays, for the tests of a `describe`. */
export function useOutbox() {
  const database = useDatabase('messaging')
  const broker = useBroker()
  const use = useResources()

  beforeEach('empty outbox and queue', async () => {
    await eventually(() => database.rows(sql`TRUNCATE outbox`))
    await declareTopology({ name: 'setup', url: broker.url, topology })
    await broker.channel().purgeQueue('all')
  })

  /** Starts a relay with a short poll interval; the relay may not be connected yet. */
  function relay(options: Partial<RelayOptions> = {}) {
    const health = recordedHealth()
    const servers = { databaseUrl: database.url, brokerUrl: broker.url }
    const common = { ...servers, name: 'relay', routes, exchanges, idleMs: 20, logger: silent }
    const loop = use(running((signal) => runRelay({ ...common, health, signal, ...options })))
    return { ...loop, health, isConnected: () => health.isReady('broker') }
  }

  async function append(count: number, type = 'Happened'): Promise<string[]> {
    const events = Array.from({ length: count }, () => ({ id: randomUUIDv7(), type }))
    await database.db.transaction().execute((trx) => appendEvents(trx, events))
    return events.map(({ id }) => id).sort()
  }
  const outbox = () =>
    database.rows(sql<OutboxRow>`
      SELECT event_id, published_at, publish_attempts, last_error, next_attempt_at > now() AS waits
      FROM outbox ORDER BY event_id
    `)
  const count = async (condition: RawBuilder<unknown>) => {
    const [row] = await database.rows(
      sql<{ count: number }>`SELECT count(*)::int FROM outbox WHERE ${condition}`,
    )
    return row?.count ?? 0
  }
  const unpublished = () => count(sql`published_at IS NULL`)
  /** The number of rows without a claim. */
  const unclaimed = async () =>
    (await database.rows(sql`SELECT FROM outbox FOR UPDATE SKIP LOCKED`)).length
  const publishedIds = async () => {
    const messages = await broker.drain('all')
    return messages.flatMap(eventIdsOf).sort()
  }
  const allPublished = (timeoutMs = 30_000) =>
    eventually(async () => (await unpublished()) === 0, { timeoutMs })

  return {
    ...{ database, broker, use, routes, relay, append, outbox, count },
    ...{ unpublished, unclaimed, publishedIds, allPublished },
  }
}
