import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { traceOrder } from './trace.ts'

const minuteMs = 60_000

/** A UUIDv7 that a clock makes which is so far ahead of ours. */
const idOfClock = (aheadMs: number): string => {
  const hex = (Date.now() + aheadMs).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${randomUUIDv7().slice(13)}`
}

describe('the trace of an order', () => {
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  type Database = typeof orders | typeof payments

  const insert = ({ db }: Database, table: string, row: object) =>
    (db as unknown as Kysely<Record<string, object>>).insertInto(table).values(row).execute()
  const promise = (database: Database, event_type: string, event_id: string, subject: string) =>
    insert(database, 'outbox', {
      ...{ event_id, event_type, publish_attempts: 1, published_at: new Date() },
      payload_json: JSON.stringify({ subject }),
    })

  /** A paid order, whose events were made by processes with such clocks. */
  async function paidOrder({ ordersAheadMs = 0, paymentsAheadMs = 0, timesAsked = 1 } = {}) {
    const order_id = idOfClock(ordersAheadMs)
    const requestIds = Array.from({ length: timesAsked }, () => idOfClock(ordersAheadMs))
    const [request_id = ''] = requestIds
    const replyId = idOfClock(paymentsAheadMs)
    const common = { order_id, user_id: 'alice', amount: '2.00' }
    const order = { ...common, status: 'PAID', request_id, request_attempts: timesAsked }
    const debit = { ...common, tx_id: idOfClock(paymentsAheadMs), type: 'DEBIT', status: 'SUCCESS' }
    await insert(orders, 'orders', order)
    for (const id of requestIds) await promise(orders, 'PaymentRequested', id, order_id)
    await insert(payments, 'inbox', { event_id: request_id })
    await insert(payments, 'ledger', debit)
    await promise(payments, 'PaymentSucceeded', replyId, order_id)
    await insert(orders, 'inbox', { event_id: replyId })
    return { order_id, request_id, requestIds, replyId }
  }

  const trace = async (orderId: string) => {
    const traced = await traceOrder({ orders: orders.db, payments: payments.db }, orderId, [])
    assert.ok(traced)
    const events = traced.steps.map(({ stage, at, event_id }) => [stage, event_id, at !== null])
    return { missing: traced.missing, events: events.filter(([, id]) => id !== null) }
  }
  const forget = ({ db }: Database, table: 'inbox' | 'outbox', id: string) =>
    sql`DELETE FROM ${sql.table(table)} WHERE event_id = ${id}::uuid`.execute(db as Kysely<unknown>)

  for (const [what, ordersAheadMs, paymentsAheadMs] of [
    ['are right', 0, 0],
    ['are ten minutes behind', -10 * minuteMs, -10 * minuteMs],
    ['are ten minutes ahead', 10 * minuteMs, 10 * minuteMs],
    ['differ by an hour', -30 * minuteMs, 30 * minuteMs],
  ] as const) {
    it(`has all hops when the clocks of the processes ${what}`, async () => {
      const clocks = { ordersAheadMs, paymentsAheadMs }
      const { order_id, request_id, replyId } = await paidOrder(clocks)
      const { events, missing } = await trace(order_id)
      assert.deepEqual(events, [
        ['relayed', request_id, true],
        ['received', request_id, true],
        ['reply_relayed', replyId, true],
        ['reply_received', replyId, true],
      ])
      assert.deepEqual(missing, [])
    })
  }

  it('has the hops of a refund after those of the payment, each with its own requests', async () => {
    const { order_id, request_id, replyId } = await paidOrder()
    const [requestId, refundReplyId] = [idOfClock(0), idOfClock(0)]
    await sql`
      UPDATE orders SET status = 'REFUNDED', request_id = ${requestId}, settled_at = updated_at,
        refund_accepted_at = now(), updated_at = clock_timestamp()
      WHERE order_id = ${order_id}`.execute(orders.db)
    await promise(orders, 'RefundRequested', requestId, order_id)
    await insert(payments, 'inbox', { event_id: requestId })
    const refund = { tx_id: idOfClock(0), order_id, user_id: 'alice', amount: '2.00' }
    await insert(payments, 'ledger', { ...refund, type: 'REFUND', status: 'SUCCESS' })
    await promise(payments, 'PaymentRefunded', refundReplyId, order_id)
    await insert(orders, 'inbox', { event_id: refundReplyId })
    const { events, missing } = await trace(order_id)
    assert.deepEqual(events, [
      ['relayed', request_id, true],
      ['received', request_id, true],
      ['reply_relayed', replyId, true],
      ['reply_received', replyId, true],
      ['refund_relayed', requestId, true],
      ['refund_received', requestId, true],
      ['refund_reply_relayed', refundReplyId, true],
      ['refund_reply_received', refundReplyId, true],
    ])
    assert.deepEqual(missing, [])
    const traced = await traceOrder({ orders: orders.db, payments: payments.db }, order_id, [])
    const done = traced?.steps.filter(({ at, event_id }) => at !== null && event_id === null)
    assert.deepEqual(
      done?.map(({ stage }) => stage),
      ['accepted', 'charged', 'settled', 'refund_accepted', 'credited', 'refund_settled'],
    )
  })

  it('has each request of an order whose payment was requested again', async () => {
    const { order_id, requestIds } = await paidOrder({ timesAsked: 3 })
    const { events, missing } = await trace(order_id)
    const relayed = events.filter(([stage]) => stage === 'relayed').map(([, id]) => id)
    assert.deepEqual([relayed.sort(), missing], [requestIds.toSorted(), []])
  })

  it('says which events are gone, and finds the receipt of the request all the same', async () => {
    const { order_id, request_id, requestIds, replyId } = await paidOrder({ timesAsked: 3 })
    for (const id of requestIds.slice(0, 2)) await forget(orders, 'outbox', id)
    await forget(payments, 'outbox', replyId)
    const { events, missing } = await trace(order_id)
    assert.deepEqual(events.slice(0, 1), [['relayed', requestIds[2], true]])
    assert.ok(events.some(([stage, id, at]) => stage === 'received' && id === request_id && at))
    assert.deepEqual(missing, [
      `the request ${request_id} is no longer in the outbox of Orders`,
      '1 request of this order not found in the outbox of Orders',
      'it is decided, and its reply is not in the outbox of Payments',
    ])
  })

  it('says what has expired, and calls nothing missing that was old enough', async () => {
    const { order_id, request_id, replyId } = await paidOrder()
    const other = await paidOrder()
    await forget(orders, 'outbox', request_id)
    await forget(payments, 'inbox', request_id)
    await forget(payments, 'outbox', replyId)
    for (const { db } of [orders, payments] as Database[]) {
      await sql`
        INSERT INTO retention (table_name, retention_ms, expired_before)
        SELECT name, 1, now() + interval '1 minute' FROM unnest(${['outbox', 'inbox']}::text[]) AS name
      `.execute(db as Kysely<unknown>)
    }
    const traced = await traceOrder({ orders: orders.db, payments: payments.db }, order_id, [])
    assert.deepEqual(traced?.expired, [
      `the request ${request_id} is no longer in the outbox of Orders`,
      'it is decided, and its request is not in the inbox of Payments',
      'it is decided, and its reply is not in the outbox of Payments',
    ])
    assert.deepEqual(traced.missing, [])
    await forget(orders, 'inbox', other.replyId)
    await sql`UPDATE retention SET expired_before = now() - interval '1 day'`.execute(orders.db)
    const { missing } = await trace(other.order_id)
    assert.deepEqual(missing, ['it is settled, and its reply is not in the inbox of Orders'])
    for (const { db } of [orders, payments] as Database[])
      await sql`TRUNCATE retention`.execute(db as Kysely<unknown>)
  })

  it('says which inbox has forgotten', async () => {
    const { order_id, request_id, replyId } = await paidOrder()
    await forget(payments, 'inbox', request_id)
    await forget(orders, 'inbox', replyId)
    assert.deepEqual((await trace(order_id)).missing, [
      'it is decided, and its request is not in the inbox of Payments',
      'it is settled, and its reply is not in the inbox of Orders',
    ])
  })

  it('says that a settled order has no decision, and a decision no request', async () => {
    const common = { order_id: randomUUIDv7(), user_id: 'alice', amount: '2.00' }
    await insert(orders, 'orders', { ...common, status: 'PAID' })
    const settled = await trace(common.order_id)
    assert.ok(settled.missing.includes('it is settled, and its decision is not in the ledger'))
    const other = { ...common, order_id: randomUUIDv7(), tx_id: randomUUIDv7() }
    await insert(payments, 'ledger', { ...other, type: 'DEBIT', status: 'SUCCESS' })
    const decided = await trace(other.order_id)
    assert.ok(decided.missing.includes('it is decided, and no request of it is known'))
  })

  it('misses nothing of an order that is just accepted', async () => {
    const request_id = randomUUIDv7()
    const order_id = randomUUIDv7()
    await insert(orders, 'orders', { order_id, user_id: 'alice', amount: '2.00', request_id })
    await promise(orders, 'PaymentRequested', request_id, order_id)
    assert.deepEqual((await trace(order_id)).missing, [])
  })
})
