import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Options } from 'amqplib'
import { pause } from '#chassis/pause.ts'
import { eventDecoder } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { runConsumer } from '#messaging/index.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { recordedHealth } from '#testing/engine.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { brokerReport } from '../broker-report.ts'
import { withQueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import { knownQueues, otherArgument } from './known-queues.ts'
import { type MoveOptions, moveQueue } from './move-queue.ts'

const { queue, exchange, routingKeys } = queues.paymentsConsumer
const [routingKey = ''] = routingKeys
const moving = `${queue}.moving`
const early = Array.from({ length: 40 }, (_, n) => `early-${n}`)
const known = knownQueues.find((one) => one.queue === queue) as (typeof knownQueues)[number]

describe('a queue with arguments of another release', function () {
  this.timeout(180_000)
  const broker = useBroker()
  const database = useDatabase('payments')
  const use = useResources()

  beforeEach('declare it with another limit, and 40 messages in it', declareOther)

  async function declareOther() {
    const channel = broker.channel()
    for (const name of [queue, moving, `${queue}.dlq`]) await channel.deleteQueue(name)
    await channel.assertExchange(exchange, 'topic')
    const args = { ...known.options.arguments, 'x-delivery-limit': 7 }
    await channel.assertQueue(queue, { durable: true, arguments: args })
    for (const key of routingKeys) await channel.bindQueue(queue, exchange, key)
    for (const id of early) await publish(id)
  }

  const publish = (messageId: string, options: Options.Publish = {}) =>
    broker.publish({ exchange, routingKey }, '{}', { messageId, ...options })
  const exists = (name: string) =>
    broker.depth(name).then(
      () => true,
      () => false,
    )
  const move = (onStep: MoveOptions['onStep'] = () => {}) =>
    withQueueBrowser(broker.url, (browser) =>
      moveQueue(browser, known, { onStep, inFlightMs: 200 }),
    )
  const idsIn = async (name: string) =>
    new Set((await broker.drain(name)).map(({ properties }) => String(properties.messageId)))
  const isAsDeclared = () =>
    withQueueBrowser(broker.url, async (browser) => !(await otherArgument(browser, known)))

  /** The same in a process that kills itself before a step. */
  async function moveKilledAt(step: string) {
    const script = `
      import { withQueueBrowser } from '${import.meta.resolve('../dead-letters/broker/queue-browser.ts')}'
      import { knownQueues } from '${import.meta.resolve('./known-queues.ts')}'
      import { moveQueue } from '${import.meta.resolve('./move-queue.ts')}'
      const known = knownQueues.find(({ queue }) => queue === '${queue}')
      const onStep = (step) => step === '${step}' && process.kill(process.pid, 'SIGKILL')
      await withQueueBrowser('${broker.url}', (browser) =>
        moveQueue(browser, known, { onStep, inFlightMs: 200 }))`
    const args = ['--input-type=module', '--eval', script]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL', `killed at ${step}`)
  }

  /** Publishes one message after the other, as a relay does, and notes what is confirmed. */
  function startProducer() {
    const stop = new AbortController()
    const confirmed: string[] = []
    const channel = broker.channel()
    const returned = new Set<string>()
    const onReturn = ({ properties }: { properties: { messageId: string } }) =>
      returned.add(properties.messageId)
    channel.on('return', onReturn)
    const produce = async () => {
      for (let n = 0; !stop.signal.aborted; n++) {
        await publish(`late-${n}`, { mandatory: true })
        if (!returned.has(`late-${n}`)) confirmed.push(`late-${n}`)
        await pause(10, stop.signal) // its rate
      }
      channel.off('return', onReturn)
      assert.deepEqual([...returned], [], 'there is always a queue')
    }
    const producing = produce()
    return {
      confirmed,
      [Symbol.asyncDispose]: async () => {
        stop.abort()
        await producing
      },
    }
  }

  async function whileProducing(work: () => Promise<void>): Promise<string[]> {
    await using producer = startProducer()
    await work()
    return [...early, ...producer.confirmed]
  }

  it('is moved with all its messages while a producer goes on, killed at any step or not', async () => {
    const steps = new Set<string>()
    await move((step) => steps.add(step))
    assert.equal(steps.size, 12, [...steps].join(', '))
    for (const step of steps) {
      await declareOther()
      const expected = await whileProducing(async () => {
        await moveKilledAt(step)
        await move()
      })
      assert.ok(await isAsDeclared(), step)
      assert.equal(await exists(moving), false, step)
      const there = await idsIn(queue)
      assert.deepEqual(
        expected.filter((id) => !there.has(id)),
        [],
        `lost, killed at ${step}`,
      )
    }
  })

  it('is a finding of reconcile while its move is interrupted', async () => {
    const kinds = async () => (await brokerReport(broker.url).halfMovedQueues()).queues
    assert.deepEqual(await kinds(), [])
    await moveKilledAt(`delete ${queue}`)
    const [half, ...more] = await kinds()
    assert.deepEqual([half, more], [{ queue, moving, messages: 40 }, []])
    await move()
    assert.deepEqual(await kinds(), [])
  })

  it('keeps the properties, the headers and the origin of each message', async () => {
    await broker.drain(queue)
    await publish('one', { headers: { mine: 1, CC: ['nowhere'] }, type: 'T', timestamp: 12_345 })
    await move()
    const [message] = await broker.drain(queue)
    const { messageId, type, timestamp, deliveryMode, headers } = message?.properties ?? {}
    assert.deepEqual([messageId, type, timestamp, deliveryMode], ['one', 'T', 12_345, 2])
    const { 'x-delivery-count': _, ...others } = headers ?? {} // the broker's own
    assert.deepEqual(others, {
      mine: 1,
      'original-cc': ['nowhere'],
      'original-exchange': exchange,
      'original-queue': queue,
      'original-routing-key': routingKey,
    })
  })

  it('is not moved while a consumer runs, and nothing is changed', async () => {
    const { consumerTag } = await broker.channel().consume(queue, () => {}, { noAck: false })
    await assert.rejects(move(), /payments-consumer is running: stop all its replicas/)
    await broker.channel().cancel(consumerTag)
    assert.deepEqual([await exists(moving), await isAsDeclared()], [false, false])
  })

  it('is listed, moved by npm run operator, and then consumed by who has waited for it', async () => {
    await broker.drain(queue)
    for (let n = 0; n < 3; n++) await publish(`00000000-0000-7000-8000-00000000000${n}`)
    const health = recordedHealth()
    const options = {
      ...{ name: 'consumer', databaseUrl: database.url, brokerUrl: broker.url, logger: silent },
      ...{ batchSize: 10, concurrency: 1, lingerMs: 0, maxAttempts: 3, health },
      queue: queues.paymentsConsumer,
      decode: eventDecoder('PaymentRequested'),
      handle: async () => [],
    }
    use(running((signal) => runConsumer({ ...options, signal })))
    await eventually(async () =>
      (await health.reason('queue'))?.includes('queue move payments-consumer'),
    )

    const listed = await operate('queue', 'list')
    assert.equal(listed.code, 1)
    assert.match(
      listed.out,
      /payments-consumer +3 +0 +has x-delivery-limit '7', this release needs '1000'/,
    )
    const planned = await operate('queue', 'move', queue)
    assert.deepEqual([planned.code, await exists(moving)], [0, false])
    assert.match(planned.out, /Would move 3 messages through payments-consumer\.moving/)
    const moved = await operate('queue', 'move', queue, '--yes')
    assert.equal(moved.code, 0, moved.error)
    await eventually(() => health.isReady('queue'))
    await eventually(async () => (await broker.depth(`${queue}.dlq`)) === 3)
    assert.equal((await operate('queue', 'list')).code, 0)
    assert.match((await operate('queue', 'move', queue)).out, /nothing to move/)
    assert.equal((await operate('queue', 'move', 'nowhere')).code, 2)
  })

  async function operate(...args: string[]) {
    const child = spawn(process.execPath, ['operator/main.ts', ...args], {
      env: { ...process.env, AMQP_URL: broker.url },
    })
    const [out, error, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    return { code, out, error }
  }
})
