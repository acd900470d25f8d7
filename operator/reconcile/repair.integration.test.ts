import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import type { Finding } from './findings.ts'
import { repair } from './repair.ts'

describe('repair', function () {
  this.timeout(60_000)
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const databases = () => ({ orders: orders.db, payments: payments.db })

  /**
   * Places so many orders that nobody has answered; what reconcile finds of them, in their order.
   */
  const overdue = async (count: number) => {
    const placed = await orders.rows(sql<{ order_id: string }>`
      INSERT INTO orders (order_id, user_id, amount, created_at)
      SELECT gen_random_uuid(), 'alice', 2, now() - interval '2 minutes'
      FROM generate_series(1, ${count}::int)
      RETURNING order_id`)
    return idsOf(placed).sort().map(finding)
  }
  const finding = (order_id: string) =>
    ({
      kind: 'pending-too-long',
      stage: 'request-unanswered',
      order_id,
      message: 'pending for 120 s',
    }) satisfies Finding
  const idsOf = (found: { order_id: string }[]) => found.map(({ order_id }) => order_id)
  const askedTwice = async () =>
    idsOf(
      await orders.rows(sql<{ order_id: string }>`
        SELECT order_id FROM orders JOIN outbox ON event_id = request_id
        WHERE request_attempts = 2 AND payload_json->>'subject' = order_id::text ORDER BY order_id`),
    )
  const transactionsIn = async (db: typeof orders | typeof payments) => {
    const found = await db.rows(sql<{ count: number }>`
      SELECT count(DISTINCT xmin::text)::int AS count FROM outbox`)
    return found[0]?.count
  }

  beforeEach('empty databases', async () => {
    await sql`TRUNCATE orders, outbox`.execute(orders.db)
    await sql`TRUNCATE outbox`.execute(payments.db)
  })

  it('leaves out an order that somebody holds, and does not wait for it', async () => {
    const [held, free] = await overdue(2)
    const repaired = await orders.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM orders WHERE order_id = ${held?.order_id} FOR UPDATE`.execute(trx)
      return repair(databases(), [held!, free!])
    })
    assert.deepEqual(repaired, { requested_again: [free?.order_id], rescheduled: [] })
    assert.deepEqual(await askedTwice(), [free?.order_id])
  })

  it('keeps the trace of an order', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const [order] = await overdue(1)
    await sql`
      WITH request AS (
        INSERT INTO outbox (event_id, event_type, payload_json, published_at)
        VALUES (uuidv7(), 'PaymentRequested',
                jsonb_build_object('traceparent', ${traceparent}::text), now())
        RETURNING event_id)
      UPDATE orders SET request_id = event_id FROM request`.execute(orders.db)
    await repair(databases(), [order!])
    const [event] = await orders.rows(sql<{ traceparent: string }>`
      SELECT payload_json->>'traceparent' AS traceparent FROM outbox WHERE published_at IS NULL`)
    assert.equal(event?.traceparent, traceparent)
  })

  it('asks for 1,001 orders once each, in three transactions', async () => {
    const found = await overdue(1_001)
    const repaired = await repair(databases(), found)
    assert.deepEqual(repaired, { requested_again: idsOf(found), rescheduled: [] })
    assert.deepEqual(await askedTwice(), idsOf(found))
    const events = await orders.rows(sql`SELECT FROM outbox`)
    assert.deepEqual([events.length, await transactionsIn(orders)], [1_001, 3])
  })

  it('keeps what was done before it failed, and says how much that is', async () => {
    const found = await overdue(501)
    const last = found.at(-1)?.order_id
    await sql`
      ALTER TABLE outbox ADD CONSTRAINT no_last_order
      CHECK (payload_json->>'subject' <> ${sql.lit(last)})`.execute(orders.db)
    const repaired = await repair(databases(), found)
    await sql`ALTER TABLE outbox DROP CONSTRAINT no_last_order`.execute(orders.db)
    const done = idsOf(found).slice(0, 500)
    assert.deepEqual(repaired.requested_again, done)
    assert.deepEqual(await askedTwice(), done)
    assert.match(
      repaired.error ?? '',
      /ended early, after the payment of 500 orders .*: .*no_last_order/,
    )
  })

  it('hurries 501 events once each, in two transactions', async () => {
    await sql`
      INSERT INTO outbox (event_id, event_type, payload_json, next_attempt_at)
      SELECT gen_random_uuid(), 'x', '{}', now() + interval '1 hour'
      FROM generate_series(1, 501)`.execute(payments.db)
    const { rescheduled, ...others } = await repair(databases(), [])
    assert.deepEqual(others, { requested_again: [] })
    assert.deepEqual([rescheduled.length, new Set(rescheduled).size], [501, 501])
    assert.equal(await transactionsIn(payments), 2)
    assert.deepEqual((await repair(databases(), [])).rescheduled, [])
  })
})
