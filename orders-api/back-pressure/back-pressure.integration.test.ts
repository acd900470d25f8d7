import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Health } from '#http/health.ts'
import { serve } from '#http/server.ts'
import { verifyNothing } from '#principal/verifier.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { call } from '#testing/client.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { expectProblem } from '#testing/problem.ts'
import { useResources } from '#testing/resources.ts'
import { ordersRouter } from '../app.ts'
import { BackPressure, type BackPressureOptions } from './back-pressure.ts'

describe('orders-api, under pressure', function () {
  this.timeout(60_000)
  const database = useDatabase('orders')
  const use = useResources()
  let origin = ''
  let refused: string[] = []
  let poolSize = 4

  const start = async (limits: Partial<BackPressureOptions> = {}) => {
    const db = use(connectDatabase<OrdersDatabase>({ name: 'api', url: database.url, poolSize }))
    refused = []
    const backPressure = new BackPressure(db, {
      ...{ oldestMs: 600_000, tolerated: 2, everyMs: 0, ...limits },
      onRefused: (reason) => void refused.push(reason),
    })
    const common = { db, logger: silent, verify: verifyNothing, notifyRelay: () => {} }
    const router = ordersRouter({ ...common, backPressure })
    const at = { host: '127.0.0.1', port: 0, health: new Health(), logger: silent, router }
    const { server } = use(await serve(at))
    origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  }
  const keyed = (key?: string) => (key ? { 'idempotency-key': key } : {})
  const place = (key?: string) =>
    call(origin, 'POST', '/orders', {
      body: { user_id: 'alice', amount: '1.00' },
      headers: keyed(key),
    })
  const refund = (orderId: unknown, key?: string) =>
    call(origin, 'POST', `/orders/${orderId}/refund`, { headers: keyed(key) })
  const waitingOrders = (count: number, minutes: number) =>
    database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, created_at)
      SELECT gen_random_uuid(), 'bob', 1, now() - ${minutes}::int * interval '1 minute'
      FROM generate_series(1, ${count}::int)`)
  const waitingEvents = (count: number, minutes: number) =>
    database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, created_at)
      SELECT gen_random_uuid(), 'Happened', '{}', now() - ${minutes}::int * interval '1 minute'
      FROM generate_series(1, ${count}::int)`)
  const untilRefused = () => eventually(async () => (await place()).status === 503)
  const untilAccepted = () => eventually(async () => (await place()).status === 201)
  /** Asked often enough to have looked at the database at least once since. */
  const stays = async (status: number) => {
    for (let time = 0; time < 10; time++) assert.equal((await place()).status, status)
  }

  beforeEach('nothing waits', () => database.rows(sql`TRUNCATE orders, outbox`).then(() => {}))
  afterEach('as before', () => {
    poolSize = 4
  })

  for (const [what, wait] of Object.entries({ orders: waitingOrders, events: waitingEvents })) {
    it(`refuses new orders and refunds while many ${what} are overdue, and reads go on`, async () => {
      await start()
      const { body: order } = await place()
      await database.rows(sql`UPDATE orders SET status = 'PAID', updated_at = now()`)
      await wait(3, 11)
      await untilRefused()
      const reply = await place('new')
      assert.match(expectProblem(reply, 503).detail, /has had no effect/)
      assert.equal(reply.headers.get('retry-after'), '5')
      expectProblem(await refund(order.order_id), 503)
      expectProblem(await refund(order.order_id, 'new refund'), 503)
      for (const path of [`/orders/${order.order_id}`, '/orders?user_id=alice']) {
        assert.equal((await call(origin, 'GET', path)).status, 200)
      }
      assert.ok(refused.length >= 4)
      assert.deepEqual([...new Set(refused)], ['backlog'])
    })
  }

  it('gives an order or a refund that was accepted its answer again, though it refuses new ones', async () => {
    await start()
    const first = await place('an order')
    await database.rows(sql`UPDATE orders SET status = 'PAID', updated_at = now()`)
    const refunded = await refund(first.body.order_id, 'a refund')
    await waitingOrders(3, 11)
    await untilRefused()
    const before = refused.length
    const again = await place('an order')
    assert.deepEqual([again.status, again.body], [201, first.body])
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual((await refund(first.body.order_id, 'a refund')).body, refunded.body)
    assert.equal(refused.length, before)
  })

  it('accepts again when the oldest wait for half as long, not before, and a refused key is free', async () => {
    await start()
    await waitingOrders(3, 11)
    await untilRefused()
    expectProblem(await place('refused before'), 503)
    await database.rows(sql`UPDATE orders SET created_at = now() - interval '6 minutes'`)
    await stays(503)
    await database.rows(sql`UPDATE orders SET created_at = now() - interval '4 minutes'`)
    await untilAccepted()
    assert.equal((await place('refused before')).status, 201)
    await database.rows(sql`UPDATE orders SET created_at = now() - interval '9 minutes'`)
    await stays(201)
  })

  it('is not closed by a few orders that are stuck, however old, nor without a limit', async () => {
    await start()
    await waitingOrders(2, 100_000)
    await waitingEvents(2, 100_000)
    await stays(201)
    await start({ oldestMs: 0 })
    await waitingOrders(10, 100_000)
    await stays(201)
  })

  it('looks at the backlog no more often than it is told, however many ask', async () => {
    await start({ everyMs: 3_600_000 })
    await stays(201)
    await waitingOrders(3, 11)
    await stays(201)
  })

  it('refuses at once when the pool has no room, and accepts when it has', async () => {
    poolSize = 1
    await start()
    const orderId = randomUUIDv7()
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount) VALUES (${orderId}, 'alice', 1)`)
    const { reads } = await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE orders IN ACCESS EXCLUSIVE MODE`.execute(trx)
      const reads = Array.from({ length: 15 }, () => call(origin, 'GET', `/orders/${orderId}`))
      const reply = await eventually(async () => {
        const reply = await place()
        return refused.includes('pool') && reply
      })
      assert.match(expectProblem(reply, 503).detail, /wait for the database/)
      assert.equal(reply.headers.get('retry-after'), '1')
      return { reads }
    })
    await Promise.all(reads)
    await untilAccepted()
  })
})
