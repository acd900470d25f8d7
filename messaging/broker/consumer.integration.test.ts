import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { useBroker } from '#testing/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { suspendQueue } from '#testing/suspend-queue.ts'
import { type Delivery, Subscription } from './consumer.ts'
import { declareTopology } from './topology.ts'

describe('Subscription', () => {
  const broker = useBroker()
  const use = useResources()
  const topology = { queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }] }

  beforeEach('make the queue, and empty it of what an earlier test was too late for', async () => {
    await declareTopology({ name: 'test', url: broker.url, topology })
    await broker.channel().purgeQueue('all')
  })

  it('declares again a binding that was removed, which no connection tells of', async () => {
    const received: string[] = []
    const subscription = use(
      new Subscription({
        ...{ name: 'consumer', url: broker.url, topology, queue: 'all', prefetch: 10 },
        logger: silent,
        timing: { bindEveryMs: 200 },
        onDelivery: ({ content, ack }) => {
          received.push(content.toString())
          ack()
        },
      }),
    )
    await eventually(() => subscription.isConsuming())
    await broker.channel().unbindQueue('all', 'events', 'happened')
    await eventually(async () => {
      await broker.publish({ exchange: 'events', routingKey: 'happened' }, 'heard')
      return received.includes('heard')
    })
  })

  it('gets back what was not acknowledged, and nothing else, when it is told to stop', async () => {
    const deliveries: Delivery[] = []
    const subscription = use(
      new Subscription({
        ...{ name: 'consumer', url: broker.url, topology, queue: 'all', prefetch: 200 },
        logger: silent,
        onDelivery: (delivery) => deliveries.push(delivery),
      }),
    )
    await eventually(() => subscription.isConsuming())
    const numbers = Array.from({ length: 100 }, (_, number) => String(number))
    await Promise.all(numbers.map((text) => broker.publish({ routingKey: 'all' }, text)))
    await eventually(() => deliveries.length === 100)
    const closed = subscription.close()
    await eventually(async () => {
      await broker.publish({ routingKey: 'all' }, 'too late')
      return (await broker.depth('all')) > 0 // nobody consumes any more
    })
    const [first, ...others] = deliveries
    for (const { ack } of others) ack() // each by itself: the first one is open
    await nextTurn()
    first?.requeue()
    await closed
    await eventually(async () => (await broker.connections()).length === 0)
    const left = (await broker.drain('all')).map(({ content }) => content.toString())
    assert.deepEqual(
      left.filter((text) => text !== 'too late'),
      [first?.content.toString()],
    )
  })

  it('says that a queue does not answer, stops at once all the same, and consumes when it does', async function () {
    const suspended = await suspendQueue(broker.url, 'all')
    if (!suspended) return this.skip()
    const { logger, lines } = recordingLogger()
    const failures = () => lines.filter(({ msg }) => msg === 'not consuming, will retry')
    const subscribe = () =>
      use(
        new Subscription({
          ...{ name: 'consumer', url: broker.url, topology, queue: 'all', prefetch: 10 },
          logger,
          onDelivery: ({ ack }) => ack(),
        }),
      )
    try {
      const waiting = subscribe()
      const stopping = subscribe()
      await eventually(() => failures().length === 2)
      assert.match(failures()[0]?.err?.message ?? '', /all, which may be without a leader/)
      assert.equal(waiting.isConsuming(), false)
      await eventually(async () => (await broker.connections()).length > 0)
      const startedAt = performance.now()
      await stopping.close()
      assert.ok(performance.now() - startedAt < 5_000)
      await suspended.end()
      await eventually(() => waiting.isConsuming())
      assert.equal(failures().length, 2)
    } finally {
      await suspended.end()
    }
  })
})
