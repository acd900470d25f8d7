import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import type { GetMessage, Options } from 'amqplib'
import { eventDecoder } from '#contracts/decode-event.ts'
import { queues, routes } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { runConsumer } from '#messaging/index.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { recordedHealth } from '#testing/engine.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { atDesk } from './broker/queue-browser.ts'
import { redriveLetters } from './redrive.ts'

const { queue, exchange } = queues.paymentsConsumer
const { routingKey } = routes.PaymentRequested
const dlq = `${queue}.dlq`
const topology = { queues: [queues.paymentsConsumer] }

/** What death adds, and what the broker counts. */
const ofDeath = ['dead-letter-reason', 'last-error', 'attempts', 'dead-lettered-at']

describe('a dead letter that is sent again', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const database = useDatabase('payments')
  const use = useResources()

  before(() => declareTopology({ name: 'test', url: broker.url, topology }))
  afterEach(async () => {
    for (const name of [queue, dlq]) await broker.drain(name)
  })

  /** A consumer, for which nothing of this test is an event. */
  async function consume() {
    const health = recordedHealth()
    const options = {
      ...{ name: 'consumer', databaseUrl: database.url, brokerUrl: broker.url, logger: silent },
      ...{ batchSize: 10, concurrency: 1, lingerMs: 0, maxAttempts: 3, health },
      queue: queues.paymentsConsumer,
      decode: eventDecoder('PaymentRequested'),
      handle: async () => [],
    }
    const loop = use(running((signal) => runConsumer({ ...options, signal })))
    await eventually(() => health.isReady('queue'))
    return loop
  }

  const redrive = () =>
    atDesk(broker.url, async (desk) => {
      const all = { queues: [queue], limit: Infinity, dryRun: false, rate: Infinity }
      const { error, letters } = await redriveLetters(desk, { ...all, inboxRetentionMs: 1e9 })
      assert.deepEqual([error, letters.length], [null, 1])
    })

  /** The only letter, once it is there; it stays nowhere. */
  async function takeLetter(): Promise<GetMessage> {
    await eventually(async () => (await broker.depth(dlq)) > 0)
    const [letter, ...more] = await broker.drain(dlq)
    assert.equal(more.length, 0)
    return letter as GetMessage
  }

  /** Dies, is sent again, and dies; as it was before it died, sent again, and at last. */
  async function twoDeaths(content: Buffer, properties: Options.Publish) {
    const publishing = (to: object) => broker.publish(to as never, content, properties)
    await publishing({ routingKey: queue })
    const [sent] = await broker.drain(queue)
    const consumer = await consume()
    await publishing({ exchange, routingKey })
    await eventually(async () => (await broker.depth(dlq)) === 1)
    await consumer.close()
    await redrive()
    const [again] = await broker.drain(queue)
    assert.ok(sent && again)
    await broker.publish({ routingKey: queue }, again.content, resent(again))
    await consume()
    return { sent, again, dead: await takeLetter() }
  }

  const resent = ({ properties }: GetMessage) =>
    ({ ...properties, persistent: undefined }) as unknown as Options.Publish
  const propertiesOf = ({ properties: { headers: _, ...others } }: GetMessage) => others
  const headersOf = (message: GetMessage, without: string[] = []) =>
    Object.fromEntries(
      Object.entries(message.properties.headers ?? {}).filter(
        ([name]) => ![...without, 'x-delivery-count'].includes(name),
      ),
    )
  const origin = {
    'original-queue': queue,
    'original-exchange': exchange,
    'original-routing-key': routingKey,
  }

  const longText = 'ü'.repeat(127)
  for (const [what, properties] of Object.entries({
    'of all properties': {
      messageId: randomUUIDv7(),
      type: 'PaymentRequested',
      contentType: 'application/cloudevents+json',
      contentEncoding: 'gzip',
      correlationId: 'c-1',
      replyTo: 'answers',
      appId: 'shop',
      priority: 3,
      timestamp: 1_700_000_000,
      headers: { mine: 'kept', 'relayed-at': 'yesterday' },
    },
    'of odd properties': {
      messageId: longText,
      type: '',
      contentEncoding: '\0\r\n',
      correlationId: longText,
      appId: 'x'.repeat(255),
      priority: 200,
      timestamp: 0,
      deliveryMode: 1,
      persistent: undefined,
      headers: {
        nothing: null,
        table: { list: [1, -129, 1.5, 'x', { deep: true }] },
        bytes: Buffer.from([0, 255]),
        time: { '!': 'timestamp', value: 1_700_000_000 },
        price: { '!': 'decimal', value: { places: 2, digits: 1250 } },
        large: 2 ** 40,
        text: 'x'.repeat(3_000),
      },
    },
  } as unknown as Record<string, Options.Publish>)) {
    it(`and dies again is ${what} what its sender wrote, and says where it came from first`, async () => {
      const content = Buffer.from([0x1f, 0x8b, 0, 255])
      const { sent, again, dead } = await twoDeaths(content, properties)
      for (const message of [again, dead]) {
        assert.deepEqual(message.content, content)
        assert.deepEqual(propertiesOf(message), propertiesOf(sent))
      }
      assert.deepEqual(headersOf(again), { ...headersOf(sent), ...origin })
      assert.deepEqual(headersOf(dead, ofDeath), { ...headersOf(sent), ...origin })
    })
  }

  it('leaves out what would make it vanish', async () => {
    const properties = { messageId: 'm-1', expiration: '60000' }
    const { again, dead } = await twoDeaths(Buffer.from('x'), properties)
    assert.deepEqual(
      [again, dead].map(propertiesOf).map(({ expiration }) => expiration),
      [undefined, undefined],
    )
  })

  it('says where it came from first, though the broker made the letter', async () => {
    await broker.publish({ exchange, routingKey }, 'x', { messageId: 'm-1' })
    const got = await broker.channel().get(queue)
    if (got) broker.channel().reject(got, false)
    await eventually(async () => (await broker.depth(dlq)) === 1)
    await redrive()
    await consume()
    assert.deepEqual(headersOf(await takeLetter(), ofDeath), origin)
  })
})
