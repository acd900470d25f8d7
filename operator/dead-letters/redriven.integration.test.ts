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
import { withQueueBrowser } from './broker/queue-browser.ts'
import { redriveDeadLetters } from './redrive.ts'

const { queue, exchange } = queues.paymentsConsumer
const { routingKey } = routes.PaymentRequested
const dlq = `${queue}.dlq`
const topology = { queues: [queues.paymentsConsumer] }

/** The headers that a dead letter adds. */
const deadLetterHeaders = ['dead-letter-reason', 'last-error', 'attempts', 'dead-lettered-at']

describe('a redriven message', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const database = useDatabase('payments')
  const use = useResources()

  before(() => declareTopology({ name: 'test', url: broker.url, topology }))
  afterEach(async () => {
    for (const name of [queue, dlq]) await broker.drain(name)
  })

  /** A consumer for which no message of this test is an event. */
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
    withQueueBrowser(broker.url, async (browser) => {
      const all = { queues: [queue], limit: Infinity, dryRun: false, rate: Infinity }
      const { error, letters } = await redriveDeadLetters(browser, {
        ...all,
        inboxRetentionMs: 1e9,
        isBeyondInbox: false,
      })
      assert.deepEqual([error, letters.length], [null, 1])
    })

  /** Takes the only dead letter, once it is there. */
  async function takeDeadLetter(): Promise<GetMessage> {
    await eventually(async () => (await broker.depth(dlq)) > 0)
    const [letter, ...more] = await broker.drain(dlq)
    assert.equal(more.length, 0)
    return letter as GetMessage
  }

  /** The message as sent, as redriven after it was dead-lettered, and as dead-lettered again. */
  async function deadLetteredTwice(content: Buffer, properties: Options.Publish) {
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
    return { sent, again, dead: await takeDeadLetter() }
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
    'all properties of its sender': {
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
    'odd properties of its sender': {
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
    it(`that is dead-lettered again keeps ${what}, and says where it came from at first`, async () => {
      const content = Buffer.from([0x1f, 0x8b, 0, 255])
      const { sent, again, dead } = await deadLetteredTwice(content, properties)
      for (const message of [again, dead]) {
        assert.deepEqual(message.content, content)
        assert.deepEqual(propertiesOf(message), propertiesOf(sent))
      }
      assert.deepEqual(headersOf(again), { ...headersOf(sent), ...origin })
      assert.deepEqual(headersOf(dead, deadLetterHeaders), { ...headersOf(sent), ...origin })
    })
  }

  it('leaves out the properties that would delete it', async () => {
    const properties = { messageId: 'm-1', expiration: '60000' }
    const { again, dead } = await deadLetteredTwice(Buffer.from('x'), properties)
    assert.deepEqual(
      [again, dead].map(propertiesOf).map(({ expiration }) => expiration),
      [undefined, undefined],
    )
  })

  it('says where it came from at first, though the broker made the dead letter', async () => {
    await broker.publish({ exchange, routingKey }, 'x', { messageId: 'm-1' })
    const got = await broker.channel().get(queue)
    if (got) broker.channel().reject(got, false)
    await eventually(async () => (await broker.depth(dlq)) === 1)
    await redrive()
    await consume()
    assert.deepEqual(headersOf(await takeDeadLetter(), deadLetterHeaders), origin)
  })
})
