import assert from 'node:assert/strict'
import { useBroker } from '#testing/broker.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { proxyTo, withPort } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { amqpMethods, rabbitmqServer } from '#testing/servers.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { Publisher } from './publisher.ts'

const topology = {
  exchanges: ['unbound'],
  queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }],
}
const ever = new AbortController().signal

const messageTo = (exchange: string, id: string = crypto.randomUUID()): OutgoingMessage => ({
  id,
  exchange,
  routingKey: 'happened',
  content: Buffer.from(id),
})
const messages = (count: number, exchange = 'events') =>
  Array.from({ length: count }, () => messageTo(exchange))
const idsOf = (some: { id: string }[]) => some.map(({ id }) => id).sort()

describe('Publisher', () => {
  const broker = useBroker()
  const use = useResources()

  async function connect(url = broker.url): Promise<Publisher> {
    const publisher = use(new Publisher({ name: 'publisher', url, topology, logger: silent }))
    await publisher.whenReady(AbortSignal.timeout(60_000))
    return publisher
  }
  afterEach('empty the queue', () => broker.channel().purgeQueue('all'))

  describe('publishAll', () => {
    it('has many messages in flight and says which the broker took', async () => {
      const publisher = await connect()
      const some = messages(2_000)
      const { confirmed, failed, unknown } = await publisher.publishAll(some, 10_000)
      assert.deepEqual([confirmed.sort(), failed, unknown], [idsOf(some), [], []])
      assert.equal(await broker.depth('all'), 2_000)
    })

    it('answers at once when there is nothing to publish', async () => {
      const publisher = await connect()
      const nothing = { confirmed: [], failed: [], unknown: [] }
      assert.deepEqual(await publisher.publishAll([], 1_000), nothing)
    })

    it('tells a message that no queue takes from those around it', async () => {
      const publisher = await connect()
      const good = messages(50)
      const lost = messages(50, 'unbound')
      const mixed = good.flatMap((message, index) => [message, lost[index] ?? message])
      const { confirmed, failed } = await publisher.publishAll(mixed, 10_000)
      assert.deepEqual(confirmed.sort(), idsOf(good))
      assert.deepEqual(idsOf(failed), idsOf(lost))
      assert.match(failed[0]?.error ?? '', /no queue for happened at unbound/)
    })

    it('keeps batches side by side apart, even with the same message in both', async () => {
      const publisher = await connect()
      const id = crypto.randomUUID()
      const [good, lost] = await Promise.all([
        publisher.publishAll([messageTo('events', id)], 5_000),
        publisher.publishAll([messageTo('unbound')], 5_000),
      ])
      assert.deepEqual([good.confirmed, lost.confirmed], [[id], []])
      const again = await publisher.publishAll([messageTo('events', id)], 5_000)
      assert.deepEqual(again.confirmed, [id])
    })

    it('knows nothing of what it could not send without a connection', async () => {
      const publisher = use(
        new Publisher({ name: 'lost', url: 'amqp://127.0.0.1:9', topology, logger: silent }),
      )
      const some = messages(2)
      const { unknown } = await publisher.publishAll(some, 1_000)
      assert.deepEqual(unknown.sort(), idsOf(some))
    })

    it('blames a message that is alone when the broker closes the channel, and of several none', async () => {
      const publisher = await connect()
      const poison = messageTo('nowhere')
      const some = [...messages(20), poison, ...messages(20)]
      const first = await publisher.publishAll(some, 10_000)
      assert.deepEqual(first.failed, [])
      assert.ok(first.unknown.includes(poison.id))
      await publisher.whenReady(ever)
      const left = some.filter(({ id }) => first.unknown.includes(id))
      const { confirmed, failed, unknown } = await publisher.publishAll(left, 10_000)
      const innocent = left.filter(({ id }) => id !== poison.id)
      assert.deepEqual(idsOf(failed), [poison.id])
      assert.match(failed[0]?.error ?? '', /no exchange 'nowhere'/)
      assert.ok(confirmed.length > 0)
      await publisher.whenReady(ever)
      const rest = innocent.filter(({ id }) => unknown.includes(id))
      const last = await publisher.publishAll(rest, 10_000)
      assert.deepEqual([...confirmed, ...last.confirmed].sort(), idsOf(innocent))
    })

    it('does not wait for the deadline when the connection breaks meanwhile', async () => {
      const publisher = await connect()
      const startedAt = performance.now()
      const publishing = publisher.publishAll(messages(5_000), 30_000)
      await broker.closeConnections()
      const { confirmed, failed, unknown } = await publishing
      assert.deepEqual([failed, confirmed.length + unknown.length], [[], 5_000])
      assert.ok(performance.now() - startedAt < 10_000)
    })
  })

  describe('its connection', () => {
    it('is opened again after it was closed', async () => {
      const publisher = await connect()
      await broker.closeConnections()
      await eventually(() => !publisher.isReady())
      await publisher.whenReady(ever)
      assert.equal((await publisher.publishAll(messages(1), 5_000)).confirmed.length, 1)
    })

    it('declares the topology again each time, as the broker may have lost it', async () => {
      const publisher = await connect()
      await broker.channel().deleteQueue('all')
      await broker.channel().deleteExchange('events')
      await broker.closeConnections()
      await eventually(() => !publisher.isReady())
      await publisher.whenReady(ever)
      assert.equal((await publisher.publishAll(messages(1), 5_000)).confirmed.length, 1)
      await eventuallyPasses(async () => assert.equal(await broker.depth('all'), 1))
    })

    it('is opened as soon as there is a broker, which may start later', async () => {
      const [port = 0] = await freePorts(1)
      const url = withPort(broker.url, port)
      const publisher = use(new Publisher({ name: 'early', url, topology, logger: silent }))
      assert.equal((await publisher.publishAll(messages(1), 1_000)).unknown.length, 1)
      use(await proxyTo(broker.url, port))
      await publisher.whenReady(AbortSignal.timeout(60_000))
      assert.equal((await publisher.publishAll(messages(1), 5_000)).confirmed.length, 1)
    })

    for (const [step, bytes] of Object.entries(amqpMethods)) {
      it(`is opened again when the broker dies at ${step}`, async function () {
        this.timeout(120_000)
        const proxy = use(await proxyTo(broker.url))
        const wasCut = proxy.cutAt(bytes)
        const publisher = use(
          new Publisher({ name: 'publisher', url: proxy.url, topology, logger: silent }),
        )
        await eventually(wasCut)
        await eventually(() => publisher.isReady(), { timeoutMs: 60_000 })
        const { confirmed } = await publisher.publishAll(messages(1), 5_000)
        assert.equal(confirmed.length, 1)
      })
    }

    it('is given up when the broker does not confirm in time, and opened again', async () => {
      const proxy = use(await proxyTo(broker.url))
      const publisher = await connect(proxy.url)
      proxy.freeze()
      const { failed, unknown } = await publisher.publishAll(messages(3), 200)
      assert.deepEqual([failed.length, unknown.length], [0, 3])
      assert.equal(publisher.isReady(), false)
      await publisher.whenReady(AbortSignal.timeout(60_000))
      assert.equal((await publisher.publishAll(messages(1), 5_000)).confirmed.length, 1)
    })

    it('is given up within 15 s when nothing passes any more, both ways or one, though nobody publishes', async () => {
      const noticed = ([['up', 'down'], ['up'], ['down']] as const).map(async (ways) => {
        const proxy = use(await proxyTo(broker.url))
        const publisher = await connect(proxy.url)
        proxy.freeze(ways)
        await eventually(() => !publisher.isReady(), { timeoutMs: 15_000 })
        await publisher.whenReady(AbortSignal.timeout(60_000))
      })
      await Promise.all(noticed)
    })

    it('is closed for good by close, also while there is no broker', async () => {
      const publisher = new Publisher({
        name: 'lost',
        url: 'amqp://127.0.0.1:9',
        topology,
        logger: silent,
      })
      await publisher.close()
      assert.equal(publisher.isReady(), false)
    })
  })

  describe('an alarm of the broker', () => {
    it('makes it not ready until the alarm is over', async function () {
      const { control } = await rabbitmqServer()
      if (!control) this.skip()
      const publisher = await connect()
      const connections = await broker.connections()
      try {
        await control('set_vm_memory_high_watermark', '0.00001')
        const blocked = await publisher.publishAll(messages(1), 500)
        assert.deepEqual([blocked.failed.length, blocked.unknown.length], [0, 1])
        await control('list_vhosts') // takes long enough for it to connect again, which it must not
        assert.equal(publisher.isReady(), false)
        assert.deepEqual(await broker.connections(), connections)
      } finally {
        await control('set_vm_memory_high_watermark', '0.6')
      }
      await publisher.whenReady(AbortSignal.timeout(60_000))
      assert.equal((await publisher.publishAll(messages(1), 5_000)).confirmed.length, 1)
    })

    it('is said when it begins, again and again while it lasts, and when it is over', async function () {
      const { control } = await rabbitmqServer()
      if (!control) this.skip()
      const { logger, said } = recordingLogger()
      const options = { name: 'alarmed', url: broker.url, topology, logger, remindMs: 50 }
      const publisher = use(new Publisher(options))
      await publisher.whenReady(ever)
      const alarm = () => said.filter((line) => line.includes('the broker takes no messages'))
      try {
        await control('set_vm_memory_high_watermark', '0.00001')
        await publisher.publishAll(messages(1), 500) // an alarm is told to who publishes
        await eventually(() => alarm().length > 2, { timeoutMs: 30_000 })
        assert.equal(alarm()[0], 'the broker takes no messages, will retry')
        assert.match(alarm()[2] ?? '', /^the broker takes no messages, for \d+ s so far$/)
      } finally {
        await control('set_vm_memory_high_watermark', '0.6')
      }
      const isOver = () => /^over after \d+ s: the broker takes/.test(alarm().at(-1) ?? '')
      await eventually(isOver, { timeoutMs: 60_000 })
    })
  })
})
