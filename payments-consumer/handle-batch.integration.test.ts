import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { EnvironmentError } from '#chassis/errors.ts'
import { createEvent, type EventOf, type PaymentRequested } from '#contracts/events.ts'
import type { PaymentTimeline } from '#contracts/timeline.ts'
import type { Delivered } from '#messaging/inbox/decode.ts'
import { handleEvents } from '#messaging/inbox/handle-events.ts'
import type { EventResults } from '#messaging/inbox/types.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { useResources } from '#testing/resources.ts'
import { handleBatch } from './handle-batch.ts'

const request = (changes: Partial<PaymentRequested['data']> = {}): PaymentRequested => {
  const data = { order_id: randomUUIDv7(), user_id: 'alice', amount: '10.00', ...changes }
  const envelope = { id: randomUUIDv7(), time: new Date() }
  return createEvent({ type: 'PaymentRequested', data }, envelope) as PaymentRequested
}
const requests = (count: number, changes: Partial<PaymentRequested['data']> = {}) =>
  Array.from({ length: count }, () => request(changes))

type Requested = EventOf<'PaymentRequested' | 'RefundRequested'>
/** The request to give back what an order was asked for. */
const refundOf = ({ data }: PaymentRequested, changes: object = {}) =>
  createEvent(
    { type: 'RefundRequested', data: { ...data, ...changes } },
    { id: randomUUIDv7(), time: new Date() },
  ) as EventOf<'RefundRequested'>

describe('handleBatch of payments-consumer', () => {
  const database = useDatabase('payments')
  const use = useResources()

  beforeEach('empty tables', async () => {
    transactions = 0
    troubles = []
    await database.rows(sql`TRUNCATE accounts, inbox, outbox`)
    await database.rows(sql`ALTER TABLE ledger DISABLE TRIGGER ledger_append_only`)
    await database.rows(sql`TRUNCATE ledger`)
    await database.rows(sql`ALTER TABLE ledger ENABLE TRIGGER ledger_append_only`)
  })

  const openAccount = (user: string, balance: string) =>
    database.rows(
      sql`INSERT INTO accounts (user_id, balance) VALUES (${user}, ${balance}::numeric)`,
    )
  const consumer = () => {
    const { url } = database
    const db = use(
      connectDatabase<PaymentsDatabase>({ name: 'payments-consumer', url, poolSize: 16 }),
    )
    const handle: typeof handleBatch = (trx, events) => {
      transactions++
      return handleBatch(trx, events).catch((error: EnvironmentError) => {
        troubles.push((error.cause as { code?: string }).code ?? 'unknown')
        throw error
      })
    }
    return (events: Delivered<Requested>[]): Promise<EventResults> =>
      handleEvents({ db, handle }, events)
  }
  /** How many were begun: more than batches, when one met another and was restarted. */
  let transactions = 0
  /** What PostgreSQL refused, by its SQLSTATE. */
  let troubles: string[] = []
  const account = async (user = 'alice') => {
    const [row] = await database.rows(sql<{ balance: string; version: number }>`
      SELECT balance, version FROM accounts WHERE user_id = ${user}
    `)
    return row && [row.balance, row.version]
  }
  const debits = () =>
    database.rows(sql<{ order_id: string; status: string; reason: string | null; tx_id: string }>`
      SELECT order_id, status, reason, tx_id FROM ledger WHERE type = 'DEBIT' ORDER BY tx_id
    `)
  const replies = async () => {
    const rows = await database.rows(sql<{ payload_json: PaymentReply }>`
      SELECT payload_json FROM outbox ORDER BY event_id
    `)
    return rows.map(({ payload_json }) => payload_json)
  }
  interface PaymentReply {
    type: string
    subject: string
    traceparent?: string
    data: PaymentRequested['data'] & { tx_id?: string; reason?: string; timeline?: PaymentTimeline }
  }
  const kinds = (results: EventResults) => [...results.values()].map(({ kind }) => kind)

  it('takes the money, records it and promises the reply, in one go', async () => {
    await openAccount('alice', '25.00')
    const event = request()
    assert.deepEqual(kinds(await consumer()([event])), ['handled'])
    assert.deepEqual(await account(), ['15.00', 1])
    const [debit] = await debits()
    const { order_id } = event.data
    assert.deepEqual([debit?.order_id, debit?.status, debit?.reason], [order_id, 'SUCCESS', null])
    const [reply] = await replies()
    assert.equal(reply?.type, 'PaymentSucceeded')
    assert.equal(reply?.subject, order_id)
    const { timeline: _, ...data } = reply?.data ?? {}
    assert.deepEqual(data, { ...event.data, tx_id: debit?.tx_id })
  })

  it('charges an account at the end of its versions, which begin again at 0', async () => {
    await openAccount('alice', '25.00')
    await database.rows(sql`UPDATE accounts SET version = 2147483646`)
    const charge = consumer()
    assert.deepEqual(kinds(await charge([request()])), ['handled'])
    assert.deepEqual(await account(), ['15.00', 2_147_483_647])
    assert.deepEqual(kinds(await charge(requests(2, { amount: '1.00' }))), ['handled', 'handled'])
    assert.deepEqual(await account(), ['13.00', 1])
  })

  it('records why an order cannot be paid, and says so', async () => {
    await openAccount('alice', '9.99')
    const poor = request()
    const stranger = request({ user_id: 'nobody' })
    await consumer()([poor, stranger])
    assert.deepEqual(await account(), ['9.99', 0])
    const reasons = new Map((await debits()).map((debit) => [debit.order_id, debit.reason]))
    assert.equal(reasons.get(poor.data.order_id), 'INSUFFICIENT_FUNDS')
    assert.equal(reasons.get(stranger.data.order_id), 'ACCOUNT_NOT_FOUND')
    const said = new Map((await replies()).map((reply) => [reply.subject, reply.data.reason]))
    assert.deepEqual(said, reasons)
  })

  it('tells when the request was made, relayed, received and decided', async () => {
    const relayedAt = '2026-01-31T12:00:00.001Z'
    const receivedAt = '2026-01-31T12:00:00.002Z'
    const event = { ...request(), deliveryTimes: { relayedAt, receivedAt } }
    await consumer()([event])
    const [reply] = await replies()
    const { charged_at, ...way } = reply?.data.timeline ?? {}
    assert.deepEqual(way, {
      created_at: event.time,
      relayed_at: relayedAt,
      received_at: receivedAt,
    })
    assert.equal(charged_at, (reply as { time?: string }).time)
  })

  it('answers each request in the trace of that request, whatever another one says of its own', async () => {
    const valid = ['4', '5'].map((digit) => `00-${digit.repeat(32)}-00f067aa0ba902b7-01`)
    const [first, second, none, malformed] = [...valid, undefined, 'garbage'].map(
      (traceparent) => ({ ...request(), ...(traceparent && { traceparent }) }),
    )
    await consumer()([first!, second!, none!, malformed!])
    const traces = new Map((await replies()).map((reply) => [reply.subject, reply.traceparent]))
    assert.deepEqual(
      [first, second, none, malformed].map((event) => traces.get(event!.data.order_id)),
      [...valid, undefined, undefined],
    )
  })

  it('tells when it decided, and not of the way of a request that came after that', async () => {
    const event = request()
    const handle = consumer()
    await handle([event])
    const deliveryTimes = { relayedAt: undefined, receivedAt: new Date().toISOString() }
    await handle([{ ...request(event.data), deliveryTimes }])
    const [debit] = await database.rows(sql<{ created_at: Date }>`SELECT created_at FROM ledger`)
    const [, repeated] = await replies()
    assert.deepEqual(repeated?.data.timeline, { charged_at: debit?.created_at.toISOString() })
  })

  it('charges once for 100 events with new ids about the same order, and answers each', async () => {
    await openAccount('alice', '500.00')
    const events = requests(100, { order_id: randomUUIDv7() })
    const handle = consumer()
    await handle(events.slice(0, 50))
    await Promise.all([handle(events.slice(50, 75)), handle(events.slice(75))])
    assert.deepEqual(await account(), ['490.00', 1])
    assert.equal((await debits()).length, 1)
    const answers = await replies()
    assert.equal(answers.length, 100)
    assert.equal(new Set(answers.map(({ data }) => data.tx_id)).size, 1)
  })

  it('does nothing for an event that it has handled, not even answer', async () => {
    await openAccount('alice', '500.00')
    const event = request()
    const handle = consumer()
    await handle([event])
    assert.deepEqual(kinds(await handle([event])), ['duplicate'])
    assert.deepEqual(await account(), ['490.00', 1])
    assert.equal((await replies()).length, 1)
  })

  it('decides an order once when two batches race for it: one debits, the other repeats', async () => {
    await openAccount('alice', '100000.00')
    const handle = consumer()
    for (let round = 0; round < 20; round++) {
      const orderIds = Array.from({ length: 10 }, () => randomUUIDv7())
      const batches = Array.from({ length: 4 }, () =>
        orderIds.toSorted(() => Math.random() - 0.5).map((order_id) => request({ order_id })),
      )
      const results = await Promise.all(batches.map(handle))
      assert.ok(results.every((each) => kinds(each).every((kind) => kind === 'handled')))
    }
    assert.deepEqual(await account(), ['98000.00', 200])
    assert.equal((await debits()).length, 200)
    assert.equal((await replies()).length, 800)
  })

  it('decides an order once also when its user has no account that could be locked', async () => {
    const handle = consumer()
    for (let round = 0; round < 20; round++) {
      const orderIds = Array.from({ length: 5 }, () => randomUUIDv7())
      const batches = Array.from({ length: 4 }, () =>
        orderIds
          .toSorted(() => Math.random() - 0.5)
          .map((order_id) => request({ order_id, user_id: 'nobody' })),
      )
      const results = await Promise.all(batches.map(handle))
      assert.ok(results.every((each) => kinds(each).every((kind) => kind === 'handled')))
    }
    assert.equal((await debits()).length, 100)
    assert.equal((await replies()).length, 400)
    assert.ok(troubles.every((code) => code === '23505')) // the key was taken meanwhile
  })

  it('records debits in the order of their orders, so that two batches wait in one direction', async () => {
    const [first = '', second = '', third = ''] = Array.from({ length: 3 }, () =>
      randomUUIDv7(),
    ).sort()
    const handle = consumer()
    let charging: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (trx) => {
      const decide = (orderId: string) =>
        sql`
          INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status)
          VALUES (uuidv7(), ${orderId}, 'nobody', 'DEBIT', 10, 'SUCCESS')
        `.execute(trx)
      await decide(second)
      const backwards = [third, second, first]
      charging = handle(backwards.map((order_id) => request({ order_id, user_id: 'nobody' })))
      await eventually(database.waitingForLocks, { timeoutMs: 5_000 })
      await decide(third)
    })
    await charging
    assert.deepEqual(troubles, ['23505'])
    assert.equal((await replies()).length, 3)
    assert.equal((await debits()).filter(({ order_id }) => order_id === first).length, 1)
  })

  it('never deadlocks when batches charge the same accounts in any order', async () => {
    const users = Array.from({ length: 40 }, (_, index) => `user${index}`)
    for (const user of users) await openAccount(user, '1000.00')
    const handle = consumer()
    for (let round = 0; round < 5; round++) {
      const batches = Array.from({ length: 16 }, () =>
        users
          .toSorted(() => Math.random() - 0.5)
          .map((user_id) => request({ user_id, amount: '1.00' })),
      )
      await Promise.all(batches.map(handle))
    }
    for (const user of users) assert.deepEqual(await account(user), ['920.00', 80])
    assert.equal(transactions, 80, 'a batch was rolled back and restarted')
  })

  it('locks accounts in the order of their users, however they lie on the disk', async () => {
    const users = ['a', 'b', 'c', 'd', 'e']
    for (const user of users.toReversed()) await openAccount(user, '10.00')
    const unlocked = () =>
      database.db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ user_id: string }>`
          SELECT user_id FROM accounts ORDER BY user_id FOR NO KEY UPDATE SKIP LOCKED
        `.execute(trx)
        return rows.map(({ user_id }) => user_id).join()
      })
    const handle = consumer()
    let charging: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM accounts WHERE user_id = 'c' FOR NO KEY UPDATE`.execute(trx)
      charging = handle(users.map((user_id) => request({ user_id })))
      await eventuallyPasses(async () => assert.equal(await unlocked(), 'd,e'))
    })
    await charging
    assert.equal(await unlocked(), 'a,b,c,d,e')
  })

  it('lets a balance be spent once when many batches want it at the same time', async () => {
    await openAccount('alice', '10.00')
    const handle = consumer()
    const results = await Promise.all(requests(8).map((event) => handle([event])))
    assert.ok(results.every((each) => kinds(each).every((kind) => kind === 'handled')))
    const outcomes = (await debits()).map(({ status }) => status)
    assert.equal(outcomes.filter((status) => status === 'SUCCESS').length, 1)
    assert.equal(outcomes.length, 8)
    assert.deepEqual(await account(), ['0.00', 1])
    assert.deepEqual(troubles, [])
  })

  it('charges one account from 16 consumers at once, without a batch that is restarted', async () => {
    await openAccount('alice', '1600.00')
    const handle = consumer()
    const consumers = Array.from({ length: 16 }, async () => {
      for (let batch = 0; batch < 4; batch++) await handle(requests(25, { amount: '1.00' }))
    })
    await Promise.all(consumers)
    assert.deepEqual(await account(), ['0.00', 1_600])
    assert.deepEqual([transactions, troubles], [64, []])
  })

  it('decides by the balance behind the lock, not by one that is just being topped up', async () => {
    await openAccount('alice', '0.00')
    const handle = consumer()
    let charging: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (trx) => {
      await sql`UPDATE accounts SET balance = 10 WHERE user_id = 'alice'`.execute(trx)
      charging = handle([request()])
      await eventually(database.waitingForLocks, { timeoutMs: 5_000 })
    })
    await charging
    assert.deepEqual(
      (await debits()).map(({ status }) => status),
      ['SUCCESS'],
    )
    assert.deepEqual(await account(), ['0.00', 1])
  })

  it('charges once also when the inbox has forgotten the event: the ledger never forgets', async () => {
    await openAccount('alice', '500.00')
    const event = request()
    const handle = consumer()
    await handle([event])
    await database.rows(sql`TRUNCATE inbox`)
    assert.deepEqual(kinds(await handle([event])), ['handled'])
    assert.deepEqual(await account(), ['490.00', 1])
    const [first, again] = await replies()
    const { timeline: _, ...outcome } = first?.data ?? {}
    const { timeline, ...repeated } = again?.data ?? {}
    assert.deepEqual(repeated, outcome)
    assert.ok(timeline?.charged_at)
  })

  it('loses no update while the same account is topped up', async () => {
    await openAccount('alice', '1000.00')
    const handle = consumer()
    const topUp = sql`UPDATE accounts SET balance = balance + 1 WHERE user_id = 'alice'`
    const topUps = async () => {
      for (let time = 0; time < 50; time++) await database.rows(topUp)
    }
    const charges = async () => {
      for (let time = 0; time < 50; time++) await handle([request({ amount: '1.00' })])
    }
    await Promise.all([topUps(), charges()])
    assert.deepEqual(await account(), ['1000.00', 50])
  })

  it('sets a contradiction aside and handles its neighbours', async () => {
    await openAccount('alice', '100.00')
    const first = request()
    const { order_id } = first.data
    const other = request({ order_id, amount: '11.00' })
    const thief = request({ order_id, user_id: 'mallory' })
    const neighbour = request()
    const handle = consumer()
    await handle([first])
    const results = await handle([other, thief, neighbour])
    assert.deepEqual(kinds(results), ['dead-letter', 'dead-letter', 'handled'])
    assert.deepEqual(await account(), ['80.00', 2])
    assert.equal((await replies()).length, 2)
    const remembered = await database.rows(sql<{ event_id: string }>`SELECT event_id FROM inbox`)
    assert.deepEqual(
      remembered.map(({ event_id }) => event_id).sort(),
      [first.id, neighbour.id].sort(),
    )
  })

  it('spends the last cent, and moves the largest amounts exactly', async () => {
    const most = '9999999999999999.99'
    await openAccount('alice', most)
    const handle = consumer()
    await handle([request({ amount: '9999999999999999.98' }), request({ amount: '0.01' })])
    assert.deepEqual(await account(), ['0.00', 2])
    await handle([request({ amount: most })])
    assert.deepEqual((await debits()).map(({ status }) => status).sort(), [
      'FAILED',
      'SUCCESS',
      'SUCCESS',
    ])
  })

  describe('of a refund', () => {
    const refunds = () =>
      database.rows(sql<{ order_id: string; status: string; reason: string | null }>`
        SELECT order_id, status, reason FROM ledger WHERE type = 'REFUND' ORDER BY tx_id
      `)
    const charged = async (handle: ReturnType<typeof consumer>, changes = {}) => {
      const event = request(changes)
      await handle([event])
      return event
    }

    it('gives the money back, records it and promises the reply, in one go', async () => {
      await openAccount('alice', '25.00')
      const handle = consumer()
      const event = await charged(handle)
      assert.deepEqual(kinds(await handle([refundOf(event)])), ['handled'])
      assert.deepEqual(await account(), ['25.00', 2])
      const { order_id } = event.data
      assert.deepEqual(await refunds(), [{ order_id, status: 'SUCCESS', reason: null }])
      const [, reply] = await replies()
      assert.deepEqual([reply?.type, reply?.subject], ['PaymentRefunded', order_id])
      assert.ok(reply?.data.tx_id && reply.data.timeline?.charged_at)
    })

    it('gives back once for 100 events with new ids, in batches that race, and answers each', async () => {
      await openAccount('alice', '10.00')
      const handle = consumer()
      const event = await charged(handle)
      const events = Array.from({ length: 100 }, () => refundOf(event))
      await handle(events.slice(0, 50))
      await Promise.all([handle(events.slice(50, 75)), handle(events.slice(75))])
      assert.deepEqual(await account(), ['10.00', 2])
      assert.equal((await refunds()).length, 1)
      const answers = (await replies()).filter(({ type }) => type === 'PaymentRefunded')
      assert.equal(answers.length, 100)
      assert.equal(new Set(answers.map(({ data }) => data.tx_id)).size, 1)
    })

    it('gives back once also when the inbox has forgotten the event', async () => {
      await openAccount('alice', '10.00')
      const handle = consumer()
      const refund = refundOf(await charged(handle))
      await handle([refund])
      await database.rows(sql`TRUNCATE inbox`)
      assert.deepEqual(kinds(await handle([refund])), ['handled'])
      assert.deepEqual(await account(), ['10.00', 2])
    })

    it('sets aside what was not charged, or not so, and gives nothing back', async () => {
      await openAccount('alice', '15.00')
      await openAccount('mallory', '0.00')
      const handle = consumer()
      const paid = await charged(handle)
      const refused = await charged(handle)
      const endings = await handle([
        refundOf(refused),
        refundOf(request()),
        refundOf(paid, { amount: '10.01' }),
        refundOf(paid, { user_id: 'mallory' }),
      ])
      assert.deepEqual(kinds(endings), ['dead-letter', 'dead-letter', 'dead-letter', 'dead-letter'])
      assert.ok(
        [...endings.values()].every(
          (one) => 'reason' in one && one.reason === 'refund-without-payment',
        ),
      )
      assert.deepEqual(
        [await account(), await account('mallory')],
        [
          ['5.00', 1],
          ['0.00', 0],
        ],
      )
      assert.deepEqual(await refunds(), [])
    })

    it('records a refusal when the balance would be too large, and repeats it when it would not be any more', async () => {
      const most = '9999999999999999.99'
      await openAccount('alice', most)
      const handle = consumer()
      const event = await charged(handle)
      await database.rows(sql`UPDATE accounts SET balance = ${most}::numeric`)
      await handle([refundOf(event)])
      await database.rows(sql`UPDATE accounts SET balance = 0`)
      await handle([refundOf(event)])
      const { order_id } = event.data
      assert.deepEqual(await refunds(), [{ order_id, status: 'FAILED', reason: 'BALANCE_LIMIT' }])
      assert.deepEqual(await account(), ['0.00', 1])
      const failures = (await replies()).filter(({ type }) => type === 'RefundFailed')
      assert.deepEqual(
        failures.map(({ data }) => data.reason),
        ['BALANCE_LIMIT', 'BALANCE_LIMIT'],
      )
    })

    it('charges and refunds an order of one batch, beside others, in whichever order', async () => {
      await openAccount('alice', '30.00')
      const [first, second] = [request(), request()]
      const handle = consumer()
      const batch = [refundOf(first), first, second, refundOf(second), request()]
      assert.ok(kinds(await handle(batch)).every((kind) => kind === 'handled'))
      assert.deepEqual(await account(), ['20.00', 5])
      assert.equal((await replies()).length, 5)
    })

    it('never deadlocks, and decides once, when batches charge and refund the same accounts in any order', async () => {
      const users = Array.from({ length: 20 }, (_, index) => `user${index}`)
      for (const user of users) await openAccount(user, '100.00')
      const handle = consumer()
      const paid = users.map((user_id) => request({ user_id, amount: '1.00' }))
      await handle(paid)
      const batches = Array.from({ length: 16 }, () =>
        paid
          .flatMap((event) => [
            request({ user_id: event.data.user_id, amount: '1.00' }),
            refundOf(event),
          ])
          .toSorted(() => Math.random() - 0.5),
      )
      transactions = 0
      await Promise.all(batches.map(handle))
      for (const user of users) assert.deepEqual(await account(user), ['84.00', 18])
      assert.equal(transactions, 16, 'a batch was rolled back and restarted')
    })
  })
})
