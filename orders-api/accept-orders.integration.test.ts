import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import { Problem } from '#http/problem.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { silent } from '#testing/logger.ts'
import { own } from '#testing/own.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { acceptOrders, createOrderAcceptor, type OrderRequest } from './accept-orders.ts'

/** What PostgreSQL answers to a commit. */
const committed = Buffer.from('COMMIT\0')

describe('acceptOrders', () => {
  const database = useDatabase('orders')
  const use = useResources()

  const connect = (url = database.url) =>
    use(connectDatabase<OrdersDatabase>({ name: 'api', url, poolSize: 4 }))
  const placing = (key?: string, amount = '1.00', user = 'alice'): OrderRequest => {
    const userId = own(user)
    const order = { user_id: userId, amount }
    return { userId, operation: 'POST /orders', key, fingerprintSource: order, order }
  }
  type Outcome = Awaited<ReturnType<typeof acceptOrders>>[number]
  const orderIn = (outcome: Outcome) => {
    assert.ok(!(outcome instanceof Problem))
    return outcome.body
  }
  const written = () =>
    database.rows(sql<{ order_id: string; amount: string; asked: string }>`
      SELECT order_id, amount, payload_json -> 'data' ->> 'amount' AS asked
      FROM orders LEFT JOIN outbox ON event_id = request_id AND payload_json ->> 'subject' = order_id::text
      ORDER BY amount`)
  beforeEach('forget', () =>
    database.rows(sql`TRUNCATE orders, outbox, idempotency_keys`).then(() => {}),
  )

  it('writes each order with the event that asks for its payment, and answers each', async () => {
    const amounts = ['1.00', '2.00', '3.00']
    const placings = amounts.map((amount) => placing(undefined, amount))
    const answers = (await acceptOrders(connect(), placings)).map(orderIn)
    assert.deepEqual(
      answers.map(({ amount, status }) => [amount, status]),
      amounts.map((amount) => [amount, 'PAYMENT_PENDING']),
    )
    const ids = answers.map(({ order_id }) => order_id)
    const expected = amounts.map((amount, n) => ({ order_id: ids[n], amount, asked: amount }))
    assert.deepEqual(await written(), expected)
  })

  it('puts the valid traceparent of each request into its event, and leaves out all others', async () => {
    const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const placings = ['', valid, 'garbage', valid.replace('-01', '-00')].map(
      (traceparent, index) => ({ ...placing(undefined, `${index + 1}.00`), traceparent }),
    )
    await acceptOrders(connect(), placings)
    const traceparents = await database.rows(sql<{ traceparent: string | null }>`
      SELECT payload_json->>'traceparent' AS traceparent FROM outbox
      ORDER BY payload_json->'data'->>'amount'`)
    assert.deepEqual(
      traceparents.map(({ traceparent }) => traceparent),
      [null, valid, null, valid.replace('-01', '-00')],
    )
  })

  it('repeats, refuses and accepts side by side', async () => {
    const db = connect()
    const [first] = await acceptOrders(db, [placing('used')])
    const endings = await acceptOrders(db, [
      placing('used'),
      placing('new', '3.00'),
      placing('new', '3.00'), // of two with one key in a group, the second is refused as running
      placing(undefined, '4.00'),
      placing('used', '5.00', 'bob'),
    ])
    assert.deepEqual(
      endings.map((ending) => (ending instanceof Problem ? ending.status : ending.replayed)),
      [true, false, 409, false, false],
    )
    assert.deepEqual(orderIn(endings[0]!), orderIn(first!))
    const amounts = (await written()).map(({ amount }) => amount)
    assert.deepEqual(amounts, ['1.00', '3.00', '4.00', '5.00'])
    const [reused] = await acceptOrders(db, [placing('new', '9.00')])
    assert.ok(reused instanceof Problem && reused.status === 422)
  })

  it('answers each of two with one key, when the answer is known already', async () => {
    const db = connect()
    await acceptOrders(db, [placing('known')])
    const endings = await acceptOrders(db, [
      placing('known'),
      placing('known'),
      placing('known', '7.00'),
    ])
    assert.deepEqual(
      endings.map((ending) => (ending instanceof Problem ? ending.status : ending.replayed)),
      [true, true, 422],
    )
    assert.equal((await written()).length, 1)
  })

  it('refuses all of a group that waits for a lock, once, and begins nothing of it again', async () => {
    const accept = createOrderAcceptor(connect(), silent)
    await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE outbox`.execute(trx)
      const startedAt = performance.now()
      const ends = await Promise.allSettled(Array.from({ length: 60 }, () => accept(placing())))
      assert.ok(ends.every(({ status }) => status === 'rejected'))
      assert.ok(performance.now() - startedAt < 15_000, 'each waited for the lock by itself')
    })
    assert.equal((await written()).length, 0)
  })

  it('harms no neighbour of an order that cannot be written', async () => {
    const accept = createOrderAcceptor(connect(), silent)
    const placings = ['1.00', '2.00', 'nonsense', '3.00'].map((amount) =>
      placing(randomUUID(), amount),
    )
    const ends = await Promise.allSettled(placings.map(accept))
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((await written()).length, 3)
  })

  it('has one effect for each key though the answer to the commit of a group is lost', async () => {
    const proxy = use(await proxyTo(database.url))
    const accept = createOrderAcceptor(connect(proxy.url), silent)
    const placings = Array.from({ length: 40 }, () => placing(randomUUID()))
    const wasCut = proxy.cutAt(committed, 'down')
    const ends = await Promise.allSettled(placings.map(accept))
    assert.ok(wasCut())
    const lost = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    assert.ok(lost.length > 0 && lost.every((error) => isCode(error, 'unavailable')))
    const again = await Promise.all(placings.map(accept))
    assert.ok(again.every((ending) => !(ending instanceof Problem)))
    assert.equal((await written()).length, placings.length)
  })
})
