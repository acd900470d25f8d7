import assert from 'node:assert/strict'
import amqp from 'amqplib'
import { sql } from 'kysely'
import { declareTopology } from '#messaging/broker/topology.ts'
import { type ConsumerOptions, type MessagingDatabase, runConsumer } from '#messaging/index.ts'
import { useBroker } from './broker.ts'
import { useDatabase } from './database.ts'
import { recordedHealth } from './engine.ts'
import { eventually, eventuallyPasses } from './eventually.ts'
import { silent } from './logger.ts'
import { running, useResources } from './resources.ts'
import { decode, handle, idsOf, newEvent, type Thing } from './things.ts'

export type Options = Partial<ConsumerOptions<MessagingDatabase, Thing>>

export const queue = 'things'
export const dead = 'things.dlq'
/** The exchange and the routing key of `queue`. */
export const to = { exchange: 'things', routingKey: 'thing' }
const topology = { queue, exchange: to.exchange, routingKeys: [to.routingKey] }

/** An inbox with a table `effects`, a queue, and consumers of it, for the tests of a `describe`. */
export function useInbox() {
  const database = useDatabase('messaging')
  const broker = useBroker()
  const use = useResources()

  before('make a table for effects', () =>
    database.rows(
      sql`CREATE TABLE effects (event_id text, batch xid8 DEFAULT pg_current_xact_id())`,
    ),
  )
  beforeEach('empty inbox, effects and queues', async () => {
    await eventually(() => database.rows(sql`TRUNCATE inbox, attempts, deferred_events, effects`))
    await declareTopology({ name: 'setup', url: broker.url, topology: { queues: [topology] } })
    for (const name of [queue, dead]) await broker.channel().purgeQueue(name)
  })

  /** Starts a consumer, which may not consume yet. */
  function start(options: Options = {}) {
    const health = recordedHealth()
    const common = {
      ...{ name: 'consumer', databaseUrl: database.url, brokerUrl: broker.url, queue: topology },
      ...{
        batchSize: 100,
        lingerMs: 2,
        maxAttempts: 3,
        timing: { retryBaseMs: 10 },
        logger: silent,
      },
      ...{ decode, handle, health, ...options },
    }
    const loop = use(
      running((signal) => runConsumer<MessagingDatabase, Thing>({ signal, ...common })),
    )
    return { ...loop, health, isConsuming: () => health.isReady('queue') }
  }
  /** Starts a consumer, and waits until the consumer consumes. */
  async function consume(options: Options = {}) {
    const consumer = start(options)
    await eventually(consumer.isConsuming)
    return consumer
  }

  return {
    database,
    broker,
    use,
    start,
    consume,
    ...senders(broker),
    ...observers(database, broker),
  }
}

function senders(broker: ReturnType<typeof useBroker>) {
  const send = (event: Thing) =>
    broker.publish(to, event, {
      ...{ messageId: event.id, type: event.type },
      contentType: 'application/cloudevents+json',
    })
  const sendMany = async (count: number) => {
    const events = Array.from({ length: count }, () => newEvent())
    await Promise.all(events.map(send))
    return events
  }
  /** Delivers messages to a connection that closes without an acknowledgement, as after a crash. */
  async function redeliver(count: number): Promise<void> {
    const connection = await amqp.connect(broker.url)
    const channel = await connection.createChannel()
    for (let got = 0; got < count; got++) assert.ok(await channel.get(queue))
    await connection.close()
    await eventually(async () => (await broker.depth(queue)) === count)
  }
  return { send, sendMany, redeliver }
}

function observers(
  database: ReturnType<typeof useDatabase<'messaging'>>,
  broker: ReturnType<typeof useBroker>,
) {
  const effects = () =>
    database.rows(sql<{ event_id: string; batch: string }>`
      SELECT event_id, batch::text FROM effects ORDER BY event_id
    `)
  const effectIds = async () => (await effects()).map(({ event_id }) => event_id)
  const inboxIds = async () => {
    const rows = await database.rows(sql<{ event_id: string }>`
      SELECT event_id FROM inbox ORDER BY event_id::text
    `)
    return rows.map(({ event_id }) => event_id)
  }
  return {
    ...{ effects, effectIds, inboxIds },
    attempts: () => database.rows(sql`SELECT FROM attempts`),
    hasHandled: (events: Thing[]) =>
      eventuallyPasses(async () => assert.deepEqual(await effectIds(), idsOf(events))),
    nextDeadLetters: (count: number) =>
      eventually(async () => (await broker.depth(dead)) >= count && broker.drain(dead)),
    isQueueEmpty: async () => (await broker.depth(queue)) === 0,
    deadLetters: () => broker.depth(dead),
  }
}
