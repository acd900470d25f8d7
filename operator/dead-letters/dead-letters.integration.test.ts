import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { GetMessage } from 'amqplib'
import { withTimeout } from '#chassis/timeout.ts'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { rabbitmqServer } from '#testing/servers.ts'
import { suspendQueue } from '#testing/suspend-queue.ts'
import { QueueBrowser, withQueueBrowser } from './broker/queue-browser.ts'
import { listDeadLetters, readDeadLetters } from './dead-letters.ts'
import { discardDeadLetters, redriveDeadLetters } from './redrive.ts'
import { redriveCommand } from './redrive-discard.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`
const dayMs = 86_400_000

describe('dead letters', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const all = { queues: [queue], limit: Infinity }
  const horizon = { inboxRetentionMs: 30 * dayMs, isBeyondInbox: false }
  const moveAll = { ...all, dryRun: false, rate: Infinity, ...horizon }
  const deadLetteredAtMs = Date.now() - 5_000
  const origin = {
    'original-queue': queue,
    'original-exchange': 'orders.events',
    'original-routing-key': 'payment.requested',
  }
  const deadLetterHeaders = {
    'dead-letter-reason': 'contradiction',
    'last-error': 'it disagrees',
    attempts: 3,
    'dead-lettered-at': new Date(deadLetteredAtMs).toISOString(),
    ...origin,
  }
  const redrive = (options: typeof moveAll) =>
    withQueueBrowser(broker.url, (browser) => redriveDeadLetters(browser, options))
  /** Browses one message after the other, and does this meanwhile. */
  const browsing = (meanwhile: () => Promise<unknown>) =>
    withQueueBrowser(broker.url, (browser) =>
      browser.browse(
        dlq,
        () => 1,
        async (messages) => {
          await meanwhile()
          return messages.map(() => 'requeue')
        },
      ),
    )
  const list = () => withQueueBrowser(broker.url, (browser) => listDeadLetters(browser, all))
  const publishDeadLetters = async (ids: string[], content: string | Buffer = '{}') => {
    for (const messageId of ids) {
      broker
        .channel()
        .sendToQueue(dlq, Buffer.from(content), { messageId, headers: deadLetterHeaders })
    }
    await broker.channel().waitForConfirms()
  }
  const newIds = (count: number) => Array.from({ length: count }, () => randomUUIDv7())
  const idsIn = async (name: string) =>
    (await broker.drain(name)).map(({ properties }) => properties.messageId)

  const declare = () => {
    const topology = { queues: [queues.paymentsConsumer] }
    return declareTopology({ name: 'test', url: broker.url, topology })
  }

  /** The headers without the one in which the broker counts deliveries. */
  const senderHeaders = (message: GetMessage | undefined) => {
    const { 'x-delivery-count': _, ...headers } = message?.properties.headers ?? {}
    return headers
  }

  before(declare)
  afterEach(async () => {
    await broker.drain(queue)
    await broker.drain(dlq)
  })

  it('are listed with all that is known of them', async () => {
    const [id = ''] = newIds(1)
    const data = { order_id: randomUUIDv7() }
    await publishDeadLetters([id], JSON.stringify({ type: 'PaymentRequested', data }))
    const { letters, total } = await list()
    assert.equal(total, 1)
    const { age_ms, bytes, ...letter } = letters[0]!
    const age = Date.now() - deadLetteredAtMs
    assert.ok((age_ms ?? 0) >= 5_000 && (age_ms ?? 0) <= age, `${age_ms} of ${age}`)
    assert.ok(bytes > 0)
    assert.deepEqual(letter, {
      id,
      queue: dlq,
      type: 'PaymentRequested',
      reason: 'contradiction',
      last_error: 'it disagrees',
      attempts: 3,
      order_id: data.order_id,
    })
  })

  it('keep their places however often they are browsed', async () => {
    const ids = newIds(300)
    await publishDeadLetters(ids)
    for (let times = 0; times < 3; times++) {
      const { letters } = await list()
      assert.deepEqual(
        letters.map(({ id }) => id),
        ids,
      )
    }
  })

  it('keep their places however many of them are browsed', async () => {
    const ids = newIds(80)
    await publishDeadLetters(ids)
    for (const limit of [3, 1, Infinity, 40, 7, 33, 5]) {
      const { letters } = await withQueueBrowser(broker.url, (browser) =>
        listDeadLetters(browser, { ...all, limit }),
      )
      assert.deepEqual(
        letters.map(({ id }) => id),
        ids.slice(0, limit),
      )
    }
    assert.deepEqual(await idsIn(dlq), ids)
  })

  it('that were browsed keep their places when some are redriven, and new ones arrive', async () => {
    const ids = newIds(12)
    await publishDeadLetters(ids.slice(0, 10))
    await withQueueBrowser(broker.url, (browser) => listDeadLetters(browser, { ...all, limit: 6 }))
    const one = { ...moveAll, ids: new Set([ids[2]!]), limit: 1 }
    await redrive(one)
    await publishDeadLetters(ids.slice(10))
    await redrive({ ...moveAll, limit: 1 })
    assert.deepEqual(await idsIn(queue), [ids[2], ids[0]])
    assert.deepEqual(await idsIn(dlq), [ids[1], ...ids.slice(3)])
  })

  it('are redriven with id, body and properties, without the headers of the dead letter except its origin', async () => {
    const [messageId = ''] = newIds(1)
    const properties = {
      messageId,
      type: 'PaymentRequested',
      contentType: 'application/cloudevents+json',
      correlationId: 'c-1',
      timestamp: 1_700_000_000,
      priority: 3,
      appId: 'shop',
    }
    const headers = { 'relayed-at': 'yesterday', traceparent: '00-1' }
    const body = Buffer.from([0, 255, 1])
    await broker.publish({ routingKey: dlq }, body, {
      ...properties,
      headers: { ...headers, ...deadLetterHeaders, CC: [queue] },
    })
    await broker.drain(queue) // the copy that CC has routed there
    const moved = await redrive(moveAll)
    assert.deepEqual([moved.letters.map(({ id }) => id), moved.error], [[messageId], null])
    const [message, ...more] = await broker.drain(queue)
    assert.equal(more.length, 0)
    assert.deepEqual(message?.content, body)
    assert.deepEqual(senderHeaders(message), { ...headers, ...origin })
    const kept = Object.fromEntries(
      Object.keys(properties).map((name) => [name, message?.properties[name as 'type']]),
    )
    assert.deepEqual(kept, properties)
    assert.equal(message?.properties.deliveryMode, 2)
    assert.equal(await broker.depth(dlq), 0)
  })

  it('that the broker made itself are redriven likewise', async () => {
    const [messageId = ''] = newIds(1)
    await broker.publish({ routingKey: queue }, '{}', { messageId })
    await broker
      .channel()
      .get(queue)
      .then((got) => got && broker.channel().reject(got, false))
    const [letter] = await eventually(async () => {
      const { letters } = await list()
      return letters.length > 0 && letters
    })
    assert.equal(letter?.reason, 'broker-rejected')
    assert.ok((letter?.age_ms ?? Infinity) < 60_000)
    await redrive(moveAll)
    const [message] = await broker.drain(queue)
    assert.equal(message?.properties.messageId, messageId)
    assert.deepEqual(senderHeaders(message), {
      ...origin,
      'original-exchange': '',
      'original-routing-key': queue,
    })
  })

  it('are selected by id, and counted', async () => {
    const ids = newIds(50)
    await publishDeadLetters(ids)
    const wanted = { ...moveAll, ids: new Set([ids[3]!, ids[40]!, 'nobody']) }
    const moved = await redrive(wanted)
    assert.deepEqual(
      moved.letters.map(({ id }) => id),
      [ids[3], ids[40]],
    )
    assert.deepEqual(await idsIn(queue), [ids[3], ids[40]])
    assert.deepEqual(
      await idsIn(dlq),
      ids.filter((_, index) => index !== 3 && index !== 40),
    )
  })

  it('are not touched by a dry run, and not beyond the limit', async () => {
    const ids = newIds(30)
    await publishDeadLetters(ids)
    const dry = { ...moveAll, dryRun: true }
    const report = await redrive(dry)
    assert.equal(report.letters.length, 30)
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [30, 0])
    await withQueueBrowser(broker.url, (browser) =>
      redriveDeadLetters(browser, { ...moveAll, limit: 20 }),
    )
    assert.deepEqual(await idsIn(queue), ids.slice(0, 20))
    assert.deepEqual(await idsIn(dlq), ids.slice(20))
  })

  it('are shown by a dry run without delay, whatever the rate', async () => {
    await publishDeadLetters(newIds(30))
    const slowly = { ...moveAll, dryRun: true, rate: 1 }
    const report = await withTimeout(10_000, 'a dry run', redrive(slowly))
    assert.equal(report.letters.length, 30)
  })

  it('are kept in a queue that was declared without a delivery limit', async () => {
    await broker.channel().deleteQueue(dlq)
    const old = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
    await broker.channel().assertQueue(dlq, old)
    await publishDeadLetters(newIds(1))
    await declare()
    assert.equal((await list()).total, 1)
    await broker.channel().deleteQueue(dlq)
    await declare()
  })

  it('are discarded for good', async () => {
    await publishDeadLetters(newIds(20))
    const discarded = await withQueueBrowser(broker.url, (browser) =>
      discardDeadLetters(browser, { ...moveAll, limit: 19 }),
    )
    assert.equal(discarded.letters.length, 19)
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [1, 0])
  })

  it('are deleted when they were acknowledged, however many are asked for at a time', async () => {
    await publishDeadLetters(newIds(100))
    await withQueueBrowser(broker.url, (browser) =>
      browser.browse(
        dlq,
        () => 100,
        async (messages) => messages.map(() => 'ack'),
      ),
    )
    await eventually(async () => (await broker.connections()).length === 0)
    assert.equal((await broker.drain(dlq)).length, 0)
  })

  it('are redriven no faster than the rate', async () => {
    await publishDeadLetters(newIds(30))
    const start = performance.now()
    await withQueueBrowser(broker.url, (browser) =>
      redriveDeadLetters(browser, { ...moveAll, rate: 60 }),
    )
    assert.ok(performance.now() - start >= (30 - 6) * (1_000 / 60))
  })

  it('stay in their places when the queue of their consumer does not exist', async () => {
    const ids = newIds(20)
    await publishDeadLetters(ids)
    await broker.channel().deleteQueue(queue)
    const moved = await redrive(moveAll)
    await declare()
    assert.match(moved.error ?? '', /no queue payments-consumer/)
    assert.deepEqual((await idsIn(dlq)).sort(), ids.toSorted())
  })

  it('stay in their places, with a reason, while an alarm of the broker is on', async function () {
    const { control } = await rabbitmqServer()
    if (!control) return this.skip()
    const ids = newIds(20)
    await publishDeadLetters(ids)
    try {
      await control('set_vm_memory_high_watermark', '0.00001')
      const moved = await withTimeout(30_000, 'redriving', redrive(moveAll))
      assert.match(moved.error ?? '', /blocks publishers: low on memory/)
      assert.deepEqual([moved.letters, await broker.depth(dlq)], [[], 20])
    } finally {
      await control('set_vm_memory_high_watermark', '0.6')
    }
    // A copy in transit arrives after the alarm, as a duplicate that the inbox drops.
    const again = await redrive(moveAll)
    assert.deepEqual(again.letters.map(({ id }) => id).sort(), ids.toSorted())
  })

  it('are reported as unknown, not as none, when their queue does not answer', async function () {
    const [id = ''] = newIds(1)
    await publishDeadLetters([id])
    const suspended = await suspendQueue(broker.url, dlq)
    if (!suspended) return this.skip()
    try {
      const moved = await redrive(moveAll)
      assert.match(moved.error ?? '', /payments-consumer.dlq does not answer/)
    } finally {
      await suspended.end()
    }
    assert.deepEqual(await idsIn(dlq), [id])
  })

  it('that another consumer holds are reported', async () => {
    await publishDeadLetters(newIds(2))
    const working = browsing(() => broker.channel().get(dlq))
    await assert.rejects(working, {
      code: 'unavailable',
      message: /1 of 2 messages were not delivered/,
    })
    broker.channel().nackAll()
  })

  it('are not touched when the lock cannot be acquired', async () => {
    const browser = await QueueBrowser.open(broker.url)
    await eventually(async () => (await broker.connections()).length > 0)
    await broker.closeConnections()
    await assert.rejects(redriveDeadLetters(browser, moveAll), /closed|ended/i)
    await browser.close()
  })

  it('are for one operator at a time: another one waits, then rejects and has changed nothing', async () => {
    const [id = ''] = newIds(1)
    await publishDeadLetters([id])
    await withQueueBrowser(broker.url, async (first) => {
      await listDeadLetters(first, all)
      const second = await QueueBrowser.open(broker.url, 300)
      await assert.rejects(redriveDeadLetters(second, moveAll), /Another operator/)
      await second.close()
    })
    assert.deepEqual(await idsIn(dlq), [id])
  })

  it('whose queue is deleted meanwhile end the command with an error', async () => {
    await publishDeadLetters(newIds(2))
    const looking = browsing(() => broker.channel().deleteQueue(dlq))
    await assert.rejects(looking, /closed|NOT_FOUND|NOT-FOUND|was lost/)
    await declare()
  })

  describe('of events that are older than the inbox', () => {
    const ancient = '018bcfe5-6800-7000-8000-000000000000' // November 2023
    const idsOf = ({ letters }: { letters: { id: string }[] }) => letters.map(({ id }) => id)

    it('are left in their places, and named, while younger ones are redriven', async () => {
      const [fresh = ''] = newIds(1)
      await publishDeadLetters([fresh, ancient, 'no-uuid'])
      const moved = await redrive({ ...moveAll, limit: 2 })
      assert.deepEqual([idsOf(moved), moved.refused], [[fresh, 'no-uuid'], [ancient]])
      assert.deepEqual([await idsIn(dlq), await idsIn(queue)], [[ancient], [fresh, 'no-uuid']])
    })

    it('are redriven when that is asked for, and named', async () => {
      const [fresh = ''] = newIds(1)
      await publishDeadLetters([ancient, fresh])
      const moved = await redrive({ ...moveAll, isBeyondInbox: true })
      assert.deepEqual([moved.beyond_inbox, moved.refused], [[ancient], []])
      assert.deepEqual(await idsIn(queue), [ancient, fresh])
    })

    it('are deleted like any other', async () => {
      await publishDeadLetters([ancient])
      const moved = await withQueueBrowser(broker.url, (browser) =>
        discardDeadLetters(browser, moveAll),
      )
      assert.deepEqual([idsOf(moved), moved.refused], [[ancient], []])
    })

    it('are a reason for exit code 1, with what to do', async () => {
      await publishDeadLetters([ancient])
      const env = {
        AMQP_URL: broker.url,
        ORDERS_DATABASE_URL: 'postgres://x',
        PAYMENTS_DATABASE_URL: 'postgres://x',
      }
      const run = (values: object) =>
        redriveCommand.run({
          positionals: [ancient],
          values: { ...values },
          env,
          role: 'operator-editor',
        })
      const refused = await run({})
      assert.equal(refused.isFine, false)
      assert.match(refused.text, /^Redriven 0 dead letters\.\nLeft in their places: 1 event older/)
      assert.match(refused.text, /--beyond-inbox redrives them: then only the ledger protects/)
      const { isFine, text } = await run({ 'beyond-inbox': true })
      assert.match(
        text,
        /^Redriven 1 dead letter\.\nWarning: 1 event older than the inbox: only the ledger/,
      )
      assert.equal(isFine, true)
    })
  })

  it('are redriven once by three operators at the same time', async () => {
    await publishDeadLetters(newIds(50))
    const runs = [0, 1, 2].map(() => redrive(moveAll))
    const moved = await Promise.all(runs)
    assert.deepEqual(moved.map(({ letters }) => letters.length).sort(), [0, 0, 50])
    assert.equal(new Set(await idsIn(queue)).size, 50)
  })

  it('of a megabyte are read, and their number does not fill the memory', async () => {
    const ids = newIds(40)
    await publishDeadLetters(ids, Buffer.alloc(1_000_000, 'x'))
    const before = bytesHeld()
    const { letters } = await list()
    assert.equal(letters.length, 40)
    await eventuallyPasses(() => assert.ok(bytesHeld() - before < 5_000_000))
    const [one] = await withQueueBrowser(broker.url, (browser) =>
      readDeadLetters(browser, { ...all, ids: new Set([ids[39]!]) }),
    )
    assert.equal(one?.body?.length, 1_000_000)
    const moved = await redrive(moveAll)
    await eventuallyPasses(() => assert.ok(bytesHeld() - before < 5_000_000))
    assert.deepEqual([letters.length, moved.letters.length], [40, 40])
  })
})

/**
 * The bytes of buffers after a garbage collection. A buffer that a thread still releases counts: so
 * the caller repeats the measurement.
 */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}
