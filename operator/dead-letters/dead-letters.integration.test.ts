import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { GetMessage } from 'amqplib'
import { within } from '#chassis/deadline.ts'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { rabbitmqServer } from '#testing/servers.ts'
import { silence } from '#testing/silence.ts'
import { atDesk, Desk } from './broker/queue-browser.ts'
import { listLetters, openLetters } from './dead-letters.ts'
import { discardLetters, redriveLetters } from './redrive.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`
const dayMs = 86_400_000

describe('dead letters', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const all = { queues: [queue], limit: Infinity }
  const moving = { ...all, dryRun: false, rate: Infinity, inboxRetentionMs: 30 * dayMs }
  const diedAtMs = Date.now() - 5_000
  const origin = {
    'original-queue': queue,
    'original-exchange': 'orders.events',
    'original-routing-key': 'payment.requested',
  }
  const death = {
    'dead-letter-reason': 'contradiction',
    'last-error': 'it disagrees',
    attempts: 3,
    'dead-lettered-at': new Date(diedAtMs).toISOString(),
    ...origin,
  }
  const inDesk = (wanted: typeof moving) =>
    atDesk(broker.url, (desk) => redriveLetters(desk, wanted))
  /** Looks at one letter after the other, and does this meanwhile. */
  const sorting = (meanwhile: () => Promise<unknown>) =>
    atDesk(broker.url, (desk) =>
      desk.sort(
        dlq,
        () => 1,
        async (letters) => {
          await meanwhile()
          return letters.map(() => 'keep')
        },
      ),
    )
  const list = () => atDesk(broker.url, (desk) => listLetters(desk, all))
  const putLetters = async (ids: string[], content: string | Buffer = '{}') => {
    for (const messageId of ids) {
      broker.channel().sendToQueue(dlq, Buffer.from(content), { messageId, headers: death })
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

  /** The broker counts deliveries in a header of its own. */
  const livingHeaders = (message: GetMessage | undefined) => {
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
    await putLetters([id], JSON.stringify({ type: 'PaymentRequested', data }))
    const { letters, total } = await list()
    assert.equal(total, 1)
    const { age_ms, bytes, ...letter } = letters[0]!
    const age = Date.now() - diedAtMs
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

  it('keep their places however often they are looked at', async () => {
    const ids = newIds(300)
    await putLetters(ids)
    for (let look = 0; look < 3; look++) {
      const { letters } = await list()
      assert.deepEqual(
        letters.map(({ id }) => id),
        ids,
      )
    }
  })

  it('keep their places however many of them are looked at', async () => {
    const ids = newIds(80)
    await putLetters(ids)
    for (const limit of [3, 1, Infinity, 40, 7, 33, 5]) {
      const { letters } = await atDesk(broker.url, (desk) => listLetters(desk, { ...all, limit }))
      assert.deepEqual(
        letters.map(({ id }) => id),
        ids.slice(0, limit),
      )
    }
    assert.deepEqual(await idsIn(dlq), ids)
  })

  it('that were looked at keep their places when some are sent again, and new ones come', async () => {
    const ids = newIds(12)
    await putLetters(ids.slice(0, 10))
    await atDesk(broker.url, (desk) => listLetters(desk, { ...all, limit: 6 }))
    const one = { ...moving, ids: new Set([ids[2]!]), limit: 1 }
    await inDesk(one)
    await putLetters(ids.slice(10))
    await inDesk({ ...moving, limit: 1 })
    assert.deepEqual(await idsIn(queue), [ids[2], ids[0]])
    assert.deepEqual(await idsIn(dlq), [ids[1], ...ids.slice(3)])
  })

  it('go back with their id, body and properties, without what death has added but their origin', async () => {
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
      headers: { ...headers, ...death, CC: [queue] },
    })
    await broker.drain(queue) // what CC has copied there
    const moved = await inDesk(moving)
    assert.deepEqual([moved.letters.map(({ id }) => id), moved.error], [[messageId], null])
    const [message, ...more] = await broker.drain(queue)
    assert.equal(more.length, 0)
    assert.deepEqual(message?.content, body)
    assert.deepEqual(livingHeaders(message), { ...headers, ...origin })
    const kept = Object.fromEntries(
      Object.keys(properties).map((name) => [name, message?.properties[name as 'type']]),
    )
    assert.deepEqual(kept, properties)
    assert.equal(message?.properties.deliveryMode, 2)
    assert.equal(await broker.depth(dlq), 0)
  })

  it('that the broker has put there by itself go back likewise', async () => {
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
    await inDesk(moving)
    const [message] = await broker.drain(queue)
    assert.equal(message?.properties.messageId, messageId)
    assert.deepEqual(livingHeaders(message), {
      ...origin,
      'original-exchange': '',
      'original-routing-key': queue,
    })
  })

  it('are chosen by id, and counted', async () => {
    const ids = newIds(50)
    await putLetters(ids)
    const wanted = { ...moving, ids: new Set([ids[3]!, ids[40]!, 'nobody']) }
    const moved = await inDesk(wanted)
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
    await putLetters(ids)
    const dry = { ...moving, dryRun: true }
    const would = await inDesk(dry)
    assert.equal(would.letters.length, 30)
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [30, 0])
    await atDesk(broker.url, (desk) => redriveLetters(desk, { ...moving, limit: 20 }))
    assert.deepEqual(await idsIn(queue), ids.slice(0, 20))
    assert.deepEqual(await idsIn(dlq), ids.slice(20))
  })

  it('are shown by a dry run as fast as it goes, whatever the rate', async () => {
    await putLetters(newIds(30))
    const slowly = { ...moving, dryRun: true, rate: 1 }
    const would = await within(10_000, 'a dry run', inDesk(slowly))
    assert.equal(would.letters.length, 30)
  })

  it('are kept in a queue that was declared before it had a limit', async () => {
    await broker.channel().deleteQueue(dlq)
    const old = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
    await broker.channel().assertQueue(dlq, old)
    await putLetters(newIds(1))
    await declare()
    assert.equal((await list()).total, 1)
    await broker.channel().deleteQueue(dlq)
    await declare()
  })

  it('are discarded for good', async () => {
    await putLetters(newIds(20))
    const gone = await atDesk(broker.url, (desk) => discardLetters(desk, { ...moving, limit: 19 }))
    assert.equal(gone.letters.length, 19)
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [1, 0])
  })

  it('are gone when they were dropped, however many are asked for at a time', async () => {
    await putLetters(newIds(100))
    await atDesk(broker.url, (desk) =>
      desk.sort(
        dlq,
        () => 100,
        async (letters) => letters.map(() => 'drop'),
      ),
    )
    await eventually(async () => (await broker.connections()).length === 0)
    assert.equal((await broker.drain(dlq)).length, 0)
  })

  it('go back no faster than they are asked to', async () => {
    await putLetters(newIds(30))
    const start = performance.now()
    await atDesk(broker.url, (desk) => redriveLetters(desk, { ...moving, rate: 60 }))
    assert.ok(performance.now() - start >= (30 - 6) * (1_000 / 60))
  })

  it('stay where they are when there is no queue to go back to', async () => {
    const ids = newIds(20)
    await putLetters(ids)
    await broker.channel().deleteQueue(queue)
    const moved = await inDesk(moving)
    await declare()
    assert.match(moved.error ?? '', /no queue payments-consumer/)
    assert.deepEqual((await idsIn(dlq)).sort(), ids.toSorted())
  })

  it('stay where they are, and it is said why, while an alarm of the broker is on', async function () {
    const { control } = await rabbitmqServer()
    if (!control) return this.skip()
    const ids = newIds(20)
    await putLetters(ids)
    try {
      await control('set_vm_memory_high_watermark', '0.00001')
      const moved = await within(30_000, 'redriving', inDesk(moving))
      assert.match(moved.error ?? '', /takes nothing at present: low on memory/)
      assert.deepEqual([moved.letters, await broker.depth(dlq)], [[], 20])
    } finally {
      await control('set_vm_memory_high_watermark', '0.6')
    }
    // What was on its way comes when the alarm is over: a second copy, which the inbox knows.
    const again = await inDesk(moving)
    assert.deepEqual(again.letters.map(({ id }) => id).sort(), ids.toSorted())
  })

  it('are not taken for none when their queue does not answer', async function () {
    const [id = ''] = newIds(1)
    await putLetters([id])
    const silenced = await silence(broker.url, dlq)
    if (!silenced) return this.skip()
    try {
      const moved = await inDesk(moving)
      assert.match(moved.error ?? '', /payments-consumer.dlq does not answer/)
    } finally {
      await silenced.end()
    }
    assert.deepEqual(await idsIn(dlq), [id])
  })

  it('that somebody else holds, who is no operator, are missed by name', async () => {
    await putLetters(newIds(2))
    const working = sorting(() => broker.channel().get(dlq))
    await assert.rejects(working, { code: 'unavailable', message: /1 of 2 letters do not come/ })
    broker.channel().nackAll()
  })

  it('are not begun with when the lock cannot be had', async () => {
    const desk = await Desk.open(broker.url)
    await eventually(async () => (await broker.connections()).length > 0)
    await broker.closeConnections()
    await assert.rejects(redriveLetters(desk, moving), /closed|ended/i)
    await desk.close()
  })

  it('are for one operator at a time: another one waits, then says so and has done nothing', async () => {
    const [id = ''] = newIds(1)
    await putLetters([id])
    await atDesk(broker.url, async (first) => {
      await listLetters(first, all)
      const second = await Desk.open(broker.url, 300)
      await assert.rejects(redriveLetters(second, moving), /Another operator/)
      await second.close()
    })
    assert.deepEqual(await idsIn(dlq), [id])
  })

  it('whose queue goes away meanwhile end the work with an error', async () => {
    await putLetters(newIds(2))
    const looking = sorting(() => broker.channel().deleteQueue(dlq))
    await assert.rejects(looking, /closed|NOT_FOUND|NOT-FOUND|went away/)
    await declare()
  })

  it('of events that the inbox may have forgotten are named', async () => {
    const ancient = '018bcfe5-6800-7000-8000-000000000000' // November 2023
    const [fresh = ''] = newIds(1)
    await putLetters([ancient, fresh, 'no-uuid'])
    const moved = await inDesk(moving)
    assert.deepEqual(moved.beyond_inbox, [ancient])
  })

  it("are nobody else's while an operator is at them", async () => {
    await putLetters(newIds(50))
    const runs = [0, 1, 2].map(() => inDesk(moving))
    const moved = await Promise.all(runs)
    assert.deepEqual(moved.map(({ letters }) => letters.length).sort(), [0, 0, 50])
    assert.equal(new Set(await idsIn(queue)).size, 50)
  })

  it('of a megabyte are opened, and their number does not fill the memory', async () => {
    const ids = newIds(40)
    await putLetters(ids, Buffer.alloc(1_000_000, 'x'))
    const before = bytesHeld()
    const { letters } = await list()
    assert.equal(letters.length, 40)
    await eventuallyPasses(() => assert.ok(bytesHeld() - before < 5_000_000))
    const [one] = await atDesk(broker.url, (desk) =>
      openLetters(desk, { ...all, ids: new Set([ids[39]!]) }),
    )
    assert.equal(one?.body?.length, 1_000_000)
    const moved = await inDesk(moving)
    await eventuallyPasses(() => assert.ok(bytesHeld() - before < 5_000_000))
    assert.deepEqual([letters.length, moved.letters.length], [40, 40])
  })
})

/**
 * What buffers hold once there is no garbage, whenever the collector would have come by itself. A
 * buffer that a thread is still giving back counts: hence it is asked again.
 */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}
