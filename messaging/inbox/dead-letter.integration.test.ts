import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { useBroker } from '#testing/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { Subscription } from '../broker/consumer.ts'
import { Publisher } from '../broker/publisher.ts'
import { declareTopology } from '../broker/topology.ts'
import { consumerOutages, TaskGroup } from './consumer.ts'
import { writeDeadLetter } from './dead-letter.ts'

const queue = 'things'
const dead = 'things.dlq'
const topology = { queues: [{ queue, exchange: 'things', routingKeys: ['thing'] }] }

describe('a dead letter', () => {
  const broker = useBroker()
  const use = useResources()

  beforeEach('empty queues', async () => {
    await declareTopology({ name: 'setup', url: broker.url, topology })
    for (const name of [queue, dead]) await broker.channel().purgeQueue(name)
  })

  /** A consumer that parks all that it gets; the types of that, and how often it began anew. */
  async function parkAll() {
    const at = { name: 'consumer', url: broker.url, topology, logger: silent }
    const parked = { received: [] as (string | undefined)[], reconnects: 0 }
    const publisher = use(new Publisher(at))
    const deadLetters = {
      publishAll: publisher.publishAll.bind(publisher),
      whenReady: publisher.whenReady.bind(publisher),
      reconnect: () => {
        parked.reconnects++
        publisher.reconnect()
      },
    }
    const { signal } = new AbortController()
    const background = new TaskGroup()
    const outages = consumerOutages(silent)
    const consumer = {
      ...{ queue, db: {} as never, deadLetters, maxAttempts: 1, logger: silent },
      ...{ quarantine: { push: () => {} }, background, outages, signal },
    }
    const bad = { kind: 'dead-letter', reason: 'bad', error: 'is bad' } as const
    const subscription = use(
      new Subscription({
        ...{ ...at, queue, prefetch: 1 },
        onDelivery: (delivery) => {
          parked.received.push(delivery.properties.type)
          void writeDeadLetter(consumer, delivery, bad)
        },
      }),
    )
    await eventually(() => subscription.isConsuming())
    return parked
  }

  it('goes nowhere else, though its message asked for copies', async () => {
    const parked = await parkAll()
    await broker.publish({ routingKey: queue }, 'bad', { type: 'copied', CC: [queue] })
    await eventually(async () => (await broker.depth(dead)) > 0)
    await broker.publish({ routingKey: queue }, 'bad', { type: 'last' })
    await eventually(() => parked.received.includes('last')) // whatever went before is here by now
    assert.deepEqual(parked.received, ['copied', 'last'])
    await eventually(async () => (await broker.depth(dead)) === 2)
    const [letter] = await broker.drain(dead)
    assert.equal(letter?.properties.headers?.CC, undefined)
    assert.deepEqual(letter?.properties.headers?.['original-cc'], [queue])
  })

  it('is written at once, though its properties are bytes that are no text', async () => {
    const parked = await parkAll()
    const [messageId, type, contentType] = [255, 200, 100].map((length) => '#'.repeat(length))
    const restore = garbleOutput(broker.channel())
    try {
      const properties = { messageId, type, contentType, headers: { mine: 'kept' } }
      await broker.publish({ routingKey: queue }, 'bad', properties as object)
    } finally {
      restore()
    }
    await eventually(() => parked.received.length > 0)
    assert.deepEqual(parked.received, ['\ufffd'.repeat(200)])
    await eventually(async () => (await broker.depth(dead)) > 0)
    const [letter] = await broker.drain(dead)
    const properties = letter?.properties
    for (const property of [properties?.messageId, properties?.type, properties?.contentType]) {
      assert.equal(property, '\ufffd'.repeat(85))
    }
    assert.equal(properties?.headers?.mine, 'kept')
    assert.equal(parked.reconnects, 0)
  })
})

/** Makes each long row of `#` that is sent a row of bytes that are no text, which amqplib cannot send. */
function garbleOutput({ connection }: object & { connection?: unknown }): () => void {
  const { stream } = connection as { stream: Socket }
  const write = stream.write.bind(stream) as (chunk: Buffer) => boolean
  const garbled = (text: string) => text.replace(/#{100,}/g, (row) => '\xff'.repeat(row.length))
  stream.write = (chunk: Buffer | string) =>
    write(Buffer.from(garbled(Buffer.from(chunk as Buffer).toString('latin1')), 'latin1'))
  return () => {
    delete (stream as Partial<Socket>).write
  }
}
