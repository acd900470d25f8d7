import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { compile } from '#contracts/compile.ts'
import { createEvent, type Fact } from '#contracts/events.ts'
import { orderIdsIn, orderStatusChannel } from '#contracts/order-status.ts'
import { PaymentTimeline } from '#contracts/timeline.ts'
import type { Delivered } from '#messaging/inbox/decode.ts'
import { handleEvents } from '#messaging/inbox/handle-events.ts'
import type { EventResults } from '#messaging/inbox/types.ts'
import { listen } from '#messaging/notifications/listener.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { setStatuses } from './rows.ts'
import type { PaymentOutcome } from './settle-orders.ts'

const outcome = (fact: Fact) =>
  createEvent(fact, { id: randomUUIDv7(), time: new Date() }) as PaymentOutcome
const about = (order_id: string, amount = '10.00') => ({ order_id, user_id: 'alice', amount })
const paid = (orderId: string, amount?: string) =>
  outcome({ type: 'PaymentSucceeded', data: { ...about(orderId, amount), tx_id: randomUUIDv7() } })
const failed = (orderId: string) =>
  outcome({ type: 'PaymentFailed', data: { ...about(orderId), reason: 'INSUFFICIENT_FUNDS' } })

/** What the schema takes for a time, read by `Date` and PostgreSQL or not. */
const isAccepted = compile(PaymentTimeline)
const acceptedTime = fc
  .tuple(
    fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    fc.constantFrom('T', 'T', 'T', 't', ' ', '\u00a0', '\u3000', '\ufeff'),
    fc.constantFrom(undefined, undefined, '23:59:60'),
    fc.oneof(fc.constant('.000'), fc.stringMatching(/^(\.\d{1,160})?$/)),
  )
  .map(([date, separator, time, fraction]) => {
    const [day = '', hours = ''] = date.toISOString().split('T')
    return `${day}${separator}${time ?? hours.slice(0, 8)}${fraction}Z`
  })
  .filter((charged_at) => isAccepted({ charged_at }))
const unreadable = [
  '2026-12-31T23:59:60.999Z',
  '2026-12-31\u00a012:00:00.000Z',
  `2026-12-31T12:00:00.${'1'.repeat(130)}Z`,
  '2026-12-31t12:00:00.000Z',
]

describe('handleBatch of orders-consumer', () => {
  const database = useDatabase('orders')
  const use = useResources()

  async function placeOrders(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUIDv7())
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount)
      SELECT id, 'alice', 10 FROM unnest(${ids}::uuid[]) AS id
    `)
    return ids
  }
  const consumer = () => {
    const db = use(connectDatabase<OrdersDatabase>({ name: 'orders-consumer', url: database.url }))
    const handle: typeof handleBatch = (trx, events) => {
      transactions++
      return handleBatch(trx, events)
    }
    return (events: Delivered<PaymentOutcome>[]): Promise<EventResults> =>
      handleEvents({ db, handle }, events)
  }
  /** How many were begun: more than batches, when one met another and was restarted. */
  let transactions = 0
  const statuses = async (ids: string[]) => {
    const rows = await database.rows(sql<{
      order_id: string
      status: string
      reason: string | null
    }>`
      SELECT order_id, status, failure_reason AS reason FROM orders
      WHERE order_id = ANY (${ids}::uuid[])
    `)
    const byId = new Map(rows.map((row) => [row.order_id, row.reason ?? row.status]))
    return ids.map((id) => byId.get(id))
  }
  const kinds = (results: EventResults) => [...results.values()].map(({ kind }) => kind)

  it('settles others beside an order that somebody has locked, whose outcome waits in the database', async () => {
    const ids = await placeOrders(3)
    const [locked = '', ...others] = ids
    const db = use(connectDatabase<OrdersDatabase>({ name: 'orders-consumer', url: database.url }))
    const content = Buffer.from('{}')
    const origin = { messageId: undefined, headers: {}, exchange: '', routingKey: '' }
    const messageOf = () => ({ content, properties: { properties: {}, ...origin } })
    const rowLocks = orderLocks()
    const settle = () =>
      handleEvents(
        { db, handle: handleBatch, rowLocks, messageOf },
        ids.map((id) => paid(id)),
      )
    const holder = await database.db.startTransaction().execute()
    await sql`SELECT FROM orders WHERE order_id = ${locked} FOR UPDATE`.execute(holder)
    try {
      assert.deepEqual(kinds(await settle()).sort(), ['deferred', 'handled', 'handled'])
      assert.deepEqual(await statuses([locked, ...others]), ['PAYMENT_PENDING', 'PAID', 'PAID'])
      const waiting = await database.rows(sql`SELECT waits_for FROM deferred_events`)
      assert.deepEqual(waiting, [{ waits_for: locked }])
    } finally {
      await holder.rollback().execute()
    }
    assert.deepEqual(kinds(await settle()), ['handled', 'handled', 'handled'])
    assert.deepEqual(await statuses(ids), ['PAID', 'PAID', 'PAID'])
  })

  /** What a listener is told of, from now on. */
  async function hear() {
    const payloads: string[] = []
    let listening = false
    use(
      listen({
        ...{ name: 'ear', url: database.url, db: database.db, logger: silent },
        channel: orderStatusChannel,
        onNotify: (payload) => void payloads.push(payload),
        onListen: () => {
          listening = true
        },
      }),
    )
    await eventually(() => listening)
    return payloads
  }

  it('settles orders, with the reason of a failure, and tells who listens', async () => {
    const [good = '', bad = '', untouched = ''] = await placeOrders(3)
    const payloads = await hear()
    await consumer()([paid(good), failed(bad)])
    assert.deepEqual(await statuses([good, bad, untouched]), [
      'PAID',
      'INSUFFICIENT_FUNDS',
      'PAYMENT_PENDING',
    ])
    await eventually(() => payloads.length > 0)
    assert.deepEqual(payloads.flatMap(orderIdsIn).sort(), [good, bad].sort())
  })

  it('keeps the times that the first reply tells, and none where it tells nothing', async () => {
    const [told = '', untold = ''] = await placeOrders(2)
    const at = (ms: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, 0, ms)).toISOString()
    const timeline = {
      created_at: at(0),
      relayed_at: at(1),
      received_at: at(2),
      charged_at: at(3),
    }
    const reply = paid(told)
    const withTimes = {
      ...{ ...reply, data: { ...reply.data, timeline } },
      deliveryTimes: { relayedAt: at(4), receivedAt: at(5) },
    } as Delivered<PaymentOutcome>
    const handle = consumer()
    await handle([withTimes, paid(untold)])
    const later = { ...timeline, charged_at: at(9) }
    await handle([{ ...paid(told), data: { ...reply.data, timeline: later } } as PaymentOutcome])
    const rows = await database.rows(sql`
      SELECT relayed_at, received_at, charged_at, reply_relayed_at FROM orders
      WHERE order_id IN (${told}, ${untold}) ORDER BY charged_at NULLS LAST
    `)
    const none = { relayed_at: null, received_at: null, charged_at: null, reply_relayed_at: null }
    const [first, second] = JSON.parse(JSON.stringify(rows)) as object[]
    const { created_at: _, ...kept } = timeline
    assert.deepEqual(first, { ...kept, reply_relayed_at: at(4) })
    assert.deepEqual(second, none)
  })

  it('settles orders whatever times the schema takes, and leaves out those that nobody reads', async () => {
    const handle = consumer()
    await fc.assert(
      fc.asyncProperty(fc.array(acceptedTime, { minLength: 1, maxLength: 30 }), async (times) => {
        const ids = await placeOrders(times.length)
        const replies = ids.map((id, index) => {
          const timeline = { relayed_at: times[index], charged_at: times[index] }
          const reply = paid(id)
          return { ...reply, data: { ...reply.data, timeline } } as PaymentOutcome
        })
        assert.deepEqual(new Set(kinds(await handle(replies))), new Set(['handled']))
        assert.deepEqual(await wronglyKept(ids, times), [])
      }),
      { numRuns: 20, examples: [[unreadable]] },
    )
  })

  /** Neither left out nor what PostgreSQL reads; or left out, though written as we write it. */
  const wronglyKept = (ids: string[], times: string[]) =>
    database.rows(sql`
      SELECT told, charged_at, relayed_at
      FROM unnest(${ids}::uuid[], ${times}::text[]) AS reply (order_id, told)
      JOIN orders USING (order_id)
      WHERE status <> 'PAID' OR relayed_at IS DISTINCT FROM charged_at
         OR CASE WHEN charged_at IS NULL THEN told ~ '^[0-9-]{10}T[0-5][0-9:]{6}[0-5][0-9][.][0-9]{3}Z$'
            ELSE abs(extract(epoch FROM charged_at -
                   regexp_replace(told, '([.][0-9]{6})[0-9]+', '\\1')::timestamptz)) > 0.001 END
    `)

  it('tells of a batch that is too long for one NOTIFY in several', async () => {
    const ids = await placeOrders(500)
    const payloads = await hear()
    await consumer()(ids.map((id) => paid(id)))
    await eventuallyPasses(() => assert.deepEqual(payloads.flatMap(orderIdsIn).sort(), ids.sort()))
    assert.equal(payloads.length, 3)
  })

  it('tells nothing of a batch that was rolled back', async () => {
    const [id = ''] = await placeOrders(1)
    const payloads = await hear()
    const db = use(connectDatabase<OrdersDatabase>({ name: 'failing', url: database.url }))
    const failing = async (...[trx, events]: Parameters<typeof handleBatch>): Promise<never> => {
      await handleBatch(trx, events)
      throw new Error('after all')
    }
    assert.deepEqual(kinds(await handleEvents({ db, handle: failing }, [paid(id)])), ['retry'])
    const [next = ''] = await placeOrders(1)
    await consumer()([paid(next)])
    await eventually(() => payloads.length > 0)
    assert.deepEqual(payloads.flatMap(orderIdsIn), [next])
    assert.deepEqual(await statuses([id]), ['PAYMENT_PENDING'])
  })

  it('changes nothing the second time, whether the event is the same or a new one', async () => {
    const [id = ''] = await placeOrders(1)
    const handle = consumer()
    const event = paid(id)
    await handle([event])
    const changedAt = () => database.rows(sql`SELECT updated_at FROM orders WHERE order_id = ${id}`)
    const before = await changedAt()
    assert.deepEqual(kinds(await handle([event, paid(id)])), ['duplicate', 'handled'])
    assert.deepEqual(await changedAt(), before)
  })

  it('sets aside what is about no order, contradicts, or names another amount', async () => {
    const [settled = '', open = ''] = await placeOrders(2)
    const handle = consumer()
    await handle([paid(settled)])
    const results = await handle([
      paid(randomUUIDv7()),
      failed(settled),
      paid(open, '9.99'),
      failed(open),
    ])
    assert.deepEqual(kinds(results), ['dead-letter', 'dead-letter', 'dead-letter', 'handled'])
    const reasons = [...results.values()].map(
      (result) => result.kind === 'dead-letter' && result.reason,
    )
    assert.deepEqual(reasons, ['unknown-order', 'contradiction', 'contradiction', false])
    assert.deepEqual(await statuses([settled, open]), ['PAID', 'INSUFFICIENT_FUNDS'])
  })

  it('settles once when batches race for the same orders, and never deadlocks', async () => {
    const handle = consumer()
    transactions = 0
    for (let round = 0; round < 10; round++) {
      const ids = await placeOrders(50)
      const batches = Array.from({ length: 6 }, () =>
        ids.toSorted(() => Math.random() - 0.5).map((id) => paid(id)),
      )
      const results = await Promise.all(batches.map(handle))
      assert.ok(results.every((each) => kinds(each).every((kind) => kind === 'handled')))
      assert.deepEqual(new Set(await statuses(ids)), new Set(['PAID']))
    }
    assert.equal(transactions, 60, 'a batch was rolled back and restarted')
  })

  it('locks orders in the order of their ids, however they lie on the disk', async () => {
    const ids = Array.from({ length: 5 }, () => randomUUIDv7()).sort()
    for (const id of ids.toReversed()) {
      await database.rows(sql`
        INSERT INTO orders (order_id, user_id, amount) VALUES (${id}, 'alice', 10)
      `)
    }
    const unlocked = () =>
      database.db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ order_id: string }>`
          SELECT order_id FROM orders WHERE order_id = ANY (${ids}::uuid[])
          ORDER BY order_id FOR NO KEY UPDATE SKIP LOCKED
        `.execute(trx)
        return rows.map(({ order_id }) => order_id)
      })
    const scans = (value: 'on' | 'off') =>
      database.rows(
        sql`ALTER DATABASE ${sql.id(database.name)} SET enable_indexscan = ${sql.lit(value)}`,
      )
    await scans('off') // an index would bring them in order by chance
    const handle = consumer()
    let settling: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM orders WHERE order_id = ${ids[2]} FOR NO KEY UPDATE`.execute(trx)
      settling = handle(ids.map((id) => paid(id)))
      await eventuallyPasses(async () => assert.deepEqual(await unlocked(), ids.slice(3)))
    })
    await settling
    await scans('on')
    assert.deepEqual(await unlocked(), ids)
  })

  it('writes to pending orders only: a final status stays, whoever sets another', async () => {
    const [settled = ''] = await placeOrders(1)
    await consumer()([paid(settled)])
    const failureReason = 'INSUFFICIENT_FUNDS'
    const change = { orderId: settled, status: 'PAYMENT_FAILED', failureReason } as const
    await database.db.transaction().execute((trx) => setStatuses(trx, [change]))
    assert.deepEqual(await statuses([settled]), ['PAID'])
  })

  it('decides by the status behind the lock, not by one that is just changing', async () => {
    const [id = ''] = await placeOrders(1)
    let settling: Promise<EventResults> | undefined
    await database.db.transaction().execute(async (trx) => {
      await sql`UPDATE orders SET status = 'PAID' WHERE order_id = ${id}`.execute(trx)
      settling = consumer()([failed(id)])
      await eventually(database.waitingForLocks, { timeoutMs: 5_000 })
    })
    assert.deepEqual(kinds((await settling) ?? new Map()), ['dead-letter'])
    assert.deepEqual(await statuses([id]), ['PAID'])
  })

  it('lets the first of two opposite outcomes win, whichever batch it is in', async () => {
    const handle = consumer()
    for (let round = 0; round < 10; round++) {
      const [id = ''] = await placeOrders(1)
      const results = await Promise.all([handle([paid(id)]), handle([failed(id)])])
      assert.deepEqual(results.flatMap(kinds).sort(), ['dead-letter', 'handled'])
    }
  })

  it('ends a refund, keeps the times of the payment, and tells of it', async () => {
    const [id = ''] = await placeOrders(1)
    const relayed_at = '2026-01-31T12:00:00.001Z'
    const handle = consumer()
    const payment = paid(id)
    await handle([
      { ...payment, data: { ...payment.data, timeline: { relayed_at } } } as PaymentOutcome,
    ])
    await database.rows(
      sql`UPDATE orders SET status = 'REFUND_PENDING', refund_accepted_at = now() WHERE order_id = ${id}`,
    )
    const notified = await hear()
    const timeline = { relayed_at: '2026-02-01T12:00:00.001Z' }
    const data = { ...about(id), tx_id: randomUUIDv7(), timeline }
    await handle([outcome({ type: 'PaymentRefunded', data })])
    assert.deepEqual(await statuses([id]), ['REFUNDED'])
    const [row] = await database.rows(
      sql<{ at: Date }>`SELECT relayed_at AS at FROM orders WHERE order_id = ${id}`,
    )
    assert.equal(row?.at.toISOString(), relayed_at)
    await eventually(() => notified.some((payload) => orderIdsIn(payload).includes(id)))
  })

  it('lets updated_at grow with each change, also when the clock was set back', async () => {
    const [id = ''] = await placeOrders(1)
    const ahead = '2090-01-01T00:00:00.000Z'
    await database.rows(sql`UPDATE orders SET updated_at = ${ahead} WHERE order_id = ${id}`)
    await consumer()([paid(id)])
    const [row] = await database.rows(
      sql<{ at: Date }>`SELECT updated_at AS at FROM orders WHERE order_id = ${id}`,
    )
    assert.equal(row?.at.toISOString(), '2090-01-01T00:00:00.001Z')
  })
})
