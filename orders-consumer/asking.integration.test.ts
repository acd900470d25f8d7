import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { PaymentRequested } from '#contracts/events.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { type AskAgain, askOnce, runAsking } from './asking.ts'

describe('asking again', () => {
  const database = useDatabase('orders')
  const use = useResources()
  let wakeUps = 0
  beforeEach('no orders', async () => {
    wakeUps = 0
    await database.rows(sql`TRUNCATE orders, outbox`)
  })

  const asker = (askAgainAfterMs = 30_000): AskAgain => {
    const db = connectDatabase<OrdersDatabase>({ name: 'orders-consumer', url: database.url })
    return { db: use(db), logger: silent, askAgainAfterMs, wakeRelay: () => wakeUps++ }
  }

  /** An order that waits since so many seconds, and its request as the outbox has it. */
  async function placeOrder({
    waits = 0,
    published = null as number | null,
    status = 'PAYMENT_PENDING',
  }) {
    const [orderId, requestId] = [randomUUIDv7(), randomUUIDv7()]
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, status, request_id, waiting_since)
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
      SELECT request_id AS request, times_asked AS times,
             round(extract(epoch FROM now() - waiting_since))::int AS waits
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

  it('asks with a new event for what has waited too long, and wakes the relay', async () => {
    const { orderId, requestId } = await placeOrder({ waits: 31, published: 31 })
    assert.deepEqual(await askOnce(asker()), { considered: 1, asked: 1 })

    const [request, ...others] = await requests(orderId)
    assert.ok(request)
    assert.deepEqual(others, [])
    assert.notEqual(request.event_id, requestId)
    assert.equal(request.event.id, request.event_id)
    assert.deepEqual(request.event.data, { order_id: orderId, user_id: 'alice', amount: '10.00' })
    const { request: current, times, waits } = await order(orderId)
    assert.deepEqual([current, times, wakeUps], [request.event_id, 2, 1])
    assert.equal(waits, -30, 'the second wait is twice as long')
  })

  it('asks for an order whose request the outbox does not know any more', async () => {
    const { orderId } = await placeOrder({ waits: 31 })
    await database.rows(sql`TRUNCATE outbox`)
    await askOnce(asker())
    assert.equal((await requests(orderId)).length, 1)
  })

  it('leaves alone what has not waited long, or is final', async () => {
    await placeOrder({ waits: 29, published: 29 })
    await placeOrder({ waits: 500, published: 500, status: 'PAID' })
    await placeOrder({ waits: 500, published: 500, status: 'PAYMENT_FAILED' })
    assert.deepEqual(await askOnce(asker()), { considered: 0, asked: 0 })
    assert.equal(wakeUps, 0)
  })

  it('waits for a request that is still in the outbox, or left it a while ago', async () => {
    const unpublished = await placeOrder({ waits: 600 })
    const late = await placeOrder({ waits: 600, published: 10 })
    assert.deepEqual(await askOnce(asker()), { considered: 2, asked: 0 })
    assert.equal((await order(unpublished.orderId)).waits, 0)
    assert.equal((await order(late.orderId)).waits, 10)
    assert.deepEqual(await askOnce(asker()), { considered: 0, asked: 0 })
  })

  it('asks once with two side by side', async () => {
    for (let n = 0; n < 50; n++) await placeOrder({ waits: 31 + n, published: 31 })
    const turns = await Promise.all([asker(), asker(), asker()].map(askOnce))
    assert.equal(
      turns.reduce((sum, { asked }) => sum + asked, 0),
      50,
    )
  })

  it('does not wait for an order that is being settled', async () => {
    const { orderId } = await placeOrder({ waits: 31, published: 31 })
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM orders WHERE order_id = ${orderId} FOR NO KEY UPDATE`.execute(trx)
      assert.equal((await askOnce(asker())).considered, 0)
    })
  })

  it('goes through more orders than one turn takes, and on while it runs', async () => {
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, waiting_since)
      SELECT uuidv7(), 'alice', 1, now() - interval '1 hour' FROM generate_series(1, 1200)
    `)
    use(running((signal) => runAsking(asker(), signal)))
    const asked = async () => {
      const [row] = await database.rows(sql<{ n: number }>`SELECT count(*)::int AS n FROM outbox`)
      return row?.n
    }
    await eventually(async () => (await asked()) === 1_200)
    await placeOrder({ waits: 31, published: 31 })
    await eventually(async () => (await asked()) === 1_202)
  })

  it('does nothing when it is switched off', async () => {
    await runAsking(asker(0), new AbortController().signal)
  })
})
