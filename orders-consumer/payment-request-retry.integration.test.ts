import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { PaymentRequested } from '#contracts/events.ts'
import { Loop } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { type RunningRetry, retryOutage, runPaymentRequestRetry } from './payment-request-retry.ts'
import { findOverdueOrders, type Position } from './retry-rows.ts'
import { retryOverdueRequests } from './retry-turn.ts'

describe('the payment request retry', () => {
  const database = useDatabase('orders')
  const use = useResources()
  let notifications = 0
  beforeEach('no orders', async () => {
    notifications = 0
    await database.rows(sql`TRUNCATE orders, outbox`)
  })

  const retry = (timeoutMs = 30_000): RunningRetry => {
    const db = connectDatabase<OrdersDatabase>({ name: 'orders-consumer', url: database.url })
    return { db: use(db), logger: silent, timeoutMs, notifyRelay: () => notifications++ }
  }

  /** An order that waits since so many seconds, and its request as the outbox has it. */
  async function placeOrder({
    waits = 0,
    published = null as number | null,
    status = 'PAYMENT_PENDING',
  }) {
    const [orderId, requestId] = [randomUUIDv7(), randomUUIDv7()]
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, status, request_id, timeout_starts_at)
      VALUES (${orderId}, 'alice', 10, ${status}, ${requestId}, now() - ${waits} * interval '1 second')
    `)
    await database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      VALUES (${requestId}, 'PaymentRequested', '{}', now() - ${published}::int * interval '1 second')
    `)
    return { orderId, requestId }
  }
  const order = async (orderId: string) => {
    const [row] = await database.rows(sql<{ request: string; times: number; waits: number }>`
      SELECT request_id AS request, request_attempts AS times,
             round(extract(epoch FROM now() - timeout_starts_at))::int AS waits
      FROM orders WHERE order_id = ${orderId}
    `)
    assert.ok(row)
    return row
  }
  const requests = (orderId: string) =>
    database.rows(sql<{ event_id: string; event: PaymentRequested }>`
      SELECT event_id, payload_json AS event FROM outbox
      WHERE published_at IS NULL AND payload_json->>'subject' = ${orderId}
    `)

  /**
   * Orders that have waited for a minute and longer, each of a time of its own, and their requests.
   */
  const placeMany = (count: number, { published }: { published: number | null }) =>
    database.rows(sql`
      WITH placed AS (
        INSERT INTO orders (order_id, user_id, amount, request_id, timeout_starts_at)
        SELECT uuidv7(), 'alice', 1, uuidv7(), now() - interval '2 hours' + n * interval '1 ms'
        FROM generate_series(1, ${count}) AS n RETURNING request_id)
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      SELECT request_id, 'PaymentRequested', '{}', now() - ${published}::int * interval '1 second'
      FROM placed`)
  /** Each version of each order, as its writer left it. */
  const versions = () =>
    database.rows(sql`SELECT order_id, xmin::text, ctid::text FROM orders ORDER BY order_id`)
  const requestedAgain = async () => {
    const [row] = await database.rows(
      sql<{ n: number }>`SELECT count(*)::int AS n FROM orders WHERE request_attempts > 1`,
    )
    return row?.n
  }
  /** By this connection, of both tables, as far as it has not reported them yet. */
  const readRows = async (trx: Transaction<OrdersDatabase>) => {
    const { rows } = await sql<{ read: number }>`
      SELECT sum(seq_tup_read + idx_tup_fetch)::int AS read
      FROM pg_stat_xact_user_tables WHERE relname IN ('orders', 'outbox')
    `.execute(trx)
    return rows[0]?.read ?? 0
  }

  it('requests the payment of an overdue order with a new event, and notifies the relay', async () => {
    const { orderId, requestId } = await placeOrder({ waits: 31, published: 31 })
    assert.deepEqual(await retryOverdueRequests(retry()), { retried: 1, next: undefined })

    const [request, ...others] = await requests(orderId)
    assert.ok(request)
    assert.deepEqual(others, [])
    assert.notEqual(request.event_id, requestId)
    assert.equal(request.event.id, request.event_id)
    assert.deepEqual(request.event.data, { order_id: orderId, user_id: 'alice', amount: '10.00' })
    const { request: current, times, waits } = await order(orderId)
    assert.deepEqual([current, times, notifications], [request.event_id, 2, 1])
    assert.equal(waits, -30, 'the second timeout is twice as long')
  })

  it('keeps the trace of the order', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const { orderId, requestId } = await placeOrder({ waits: 31, published: 31 })
    await database.rows(sql`
      UPDATE outbox SET payload_json = jsonb_build_object('traceparent', ${traceparent}::text)
      WHERE event_id = ${requestId}`)
    await retryOverdueRequests(retry())
    const [request] = await requests(orderId)
    assert.equal(request?.event.traceparent, traceparent)
  })

  it('requests the payment of an order whose request the outbox does not know any more', async () => {
    const { orderId } = await placeOrder({ waits: 31 })
    await database.rows(sql`TRUNCATE outbox`)
    await retryOverdueRequests(retry())
    assert.equal((await requests(orderId)).length, 1)
  })

  it('leaves alone what is not overdue, or is final', async () => {
    await placeOrder({ waits: 29, published: 29 })
    await placeOrder({ waits: 500, published: 500, status: 'PAID' })
    await placeOrder({ waits: 500, published: 500, status: 'PAYMENT_FAILED' })
    assert.deepEqual(await retryOverdueRequests(retry()), { retried: 0, next: undefined })
    assert.equal(notifications, 0)
  })

  it('leaves alone what is still in the outbox, or left it a while ago: nothing is written', async () => {
    const unpublished = await placeOrder({ waits: 600 })
    const late = await placeOrder({ waits: 600, published: 10 })
    const before = await versions()
    assert.deepEqual(await retryOverdueRequests(retry()), { retried: 0, next: undefined })
    assert.deepEqual(await versions(), before)
    await database.rows(sql`UPDATE outbox SET published_at = now() - interval '31 seconds'`)
    assert.equal((await retryOverdueRequests(retry())).retried, 2)
    assert.equal((await requests(unpublished.orderId)).length, 1)
    assert.equal((await requests(late.orderId)).length, 1)
  })

  it('writes nothing while the relay is away, and retries when it has published, though nobody answers', async () => {
    await placeMany(3_000, { published: null })
    const before = await versions()
    for (let position: Position | undefined, turns = 0; turns < 8; turns++) {
      const { retried, next } = await retryOverdueRequests(retry(), position)
      assert.equal(retried, 0)
      position = next
    }
    assert.deepEqual(await versions(), before)
    await database.rows(sql`UPDATE outbox SET published_at = now() - interval '31 seconds'`)
    use(running((signal) => runPaymentRequestRetry(retry(), signal)))
    await eventually(async () => (await requestedAgain()) === 3_000)
  })

  it('finds an order that is lost behind thousands whose requests wait in the outbox', async () => {
    await placeMany(3_000, { published: null })
    const { orderId } = await placeOrder({ waits: 31, published: 31 })
    use(running((signal) => runPaymentRequestRetry(retry(), signal)))
    await eventually(async () => (await requests(orderId)).length === 1)
    assert.equal(await requestedAgain(), 1)
  })

  it('reads no more in a turn than it may retry, however many orders wait, and whatever the planner knows', async () => {
    await placeMany(20_000, { published: null })
    const { db } = retry()
    let after: Position | undefined
    for (const statistics of ['none', 'fresh', 'fresh']) {
      if (statistics === 'fresh') await database.rows(sql`ANALYZE orders, outbox`)
      await db.transaction().execute(async (trx) => {
        const before = await readRows(trx)
        const found = await findOverdueOrders(trx, { after, timeoutMs: 30_000, limit: 500 })
        assert.equal(found.length, 500)
        after = found.at(-1)
        const read = (await readRows(trx)) - before
        assert.ok(read <= 1_100, `${read} rows read for 500 orders`) // each order and its request
      })
    }
  })

  it('retries once with two side by side', async () => {
    for (let n = 0; n < 50; n++) await placeOrder({ waits: 31 + n, published: 31 })
    const turns = await Promise.all([1, 2, 3].map(() => retryOverdueRequests(retry())))
    assert.equal(
      turns.reduce((sum, { retried }) => sum + retried, 0),
      50,
    )
  })

  it('does not wait for an order that is being settled', async () => {
    const { orderId } = await placeOrder({ waits: 31, published: 31 })
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM orders WHERE order_id = ${orderId} FOR NO KEY UPDATE`.execute(trx)
      assert.equal((await retryOverdueRequests(retry())).retried, 0)
    })
  })

  it('goes through more orders than one turn takes, and on while it runs', async () => {
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, timeout_starts_at)
      SELECT uuidv7(), 'alice', 1, now() - interval '1 hour' FROM generate_series(1, 2200)
    `)
    use(running((signal) => runPaymentRequestRetry(retry(), signal)))
    await eventually(async () => (await requestedAgain()) === 2_200)
    await placeOrder({ waits: 31, published: 31 })
    await eventually(async () => (await requestedAgain()) === 2_201)
  })

  it('says that it fails, and goes on, when a column is missing for a while', async () => {
    const outage = retryOutage(silent)
    use(running((signal) => runPaymentRequestRetry({ ...retry(), outage }, signal)))
    await database.rows(sql`ALTER TABLE orders RENAME COLUMN request_id TO request`)
    await eventually(() => !outage.isOver)
    assert.throws(() => outage.assertOver(), /payment requests cannot be retried: 42703 column/)
    await database.rows(sql`ALTER TABLE orders RENAME COLUMN request TO request_id`)
    const { orderId } = await placeOrder({ waits: 31, published: 31 })
    await eventually(async () => (await requests(orderId)).length === 1)
    await eventually(() => outage.isOver)
  })

  it('is seen to stand still when no turn is completed, and to turn again', async () => {
    const loop = new Loop('payment request retry', 1_500)
    use(running((signal) => runPaymentRequestRetry({ ...retry(), loop }, signal)))
    await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE orders IN ACCESS EXCLUSIVE MODE`.execute(trx)
      await eventually(() => loop.ageMs > 1_500)
      assert.throws(() => loop.assertTurning(), /no turn was completed for 2 s: payment request/)
    })
    await eventually(() => loop.ageMs < 1_000)
    loop.assertTurning()
  })

  it('tells how many payments it has requested again', async () => {
    const counts: number[] = []
    const onRetried = (count: number) => void counts.push(count)
    await placeOrder({ waits: 31, published: 31 })
    await placeOrder({ waits: 32, published: 32 })
    await placeOrder({ waits: 1, published: 1 })
    await retryOverdueRequests({ ...retry(), onRetried })
    await retryOverdueRequests({ ...retry(), onRetried })
    assert.deepEqual(counts, [2])
  })

  it('does nothing when it is switched off, and does not stand still', async () => {
    const loop = new Loop('payment request retry', 0)
    await runPaymentRequestRetry({ ...retry(0), loop }, new AbortController().signal)
    loop.assertTurning()
  })
})
