import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { expectProblem } from '#testing/problem.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'
import { type Stack, startStack } from '#testing/stack.ts'

describe('trouble behind the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  const postOrder = (amount: string) =>
    call(stack.gateway, 'POST', '/orders', { body: { user_id: 'alice', amount } })

  it('is a 503 with Retry-After while the database is away, and nothing is lost', async () => {
    await insist(stack.gateway, '/accounts', { user_id: 'alice' })
    await insist(stack.gateway, '/accounts/alice/topup', { amount: '1.00' })
    const { body: order } = await insist(stack.gateway, '/orders', {
      user_id: 'alice',
      amount: '1.00',
    })
    await withDatabases(stack, async ({ payments }) => {
      // Both databases are in one server: from the one, the other can be shut and opened.
      const administer = sql`ALTER DATABASE orders_db WITH ALLOW_CONNECTIONS false`
      await administer.execute(payments)
      try {
        await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = 'orders_db'`.execute(payments)
        const reply = await postOrder('1.00')
        assert.match(expectProblem(reply, 503).detail, /Idempotency-Key/)
        assert.ok(Number(reply.headers.get('retry-after')) >= 1)
      } finally {
        await sql`ALTER DATABASE orders_db WITH ALLOW_CONNECTIONS true`.execute(payments)
      }
    })
    const find = () => call(stack.gateway, 'GET', `/orders/${order.order_id}`)
    await eventually(async () => (await find()).body.status === 'PAID', { timeoutMs: 60_000 })
  })

  it('ends when the broker has lost the request, or the answer: the payment is requested again', async () => {
    await insist(stack.gateway, '/accounts', { user_id: 'bob' })
    await insist(stack.gateway, '/accounts/bob/topup', { amount: '5.00' })
    const lostRequest = randomUUIDv7()
    const { body: decided } = await insist(stack.gateway, '/orders', {
      user_id: 'bob',
      amount: '2.00',
    })
    const status = async (id: unknown) =>
      (await call(stack.gateway, 'GET', `/orders/${id}`)).body.status
    await eventually(async () => (await status(decided.order_id)) === 'PAID')
    await withDatabases(stack, async ({ orders }) => {
      // As after a wipe of the broker: one order whose payment nobody requested, one whose answer
      // never came.
      await sql`INSERT INTO orders (order_id, user_id, amount, timeout_starts_at)
                VALUES (${lostRequest}, 'bob', 2, now() - interval '1 hour')`.execute(orders)
      await sql`UPDATE outbox SET published_at = now() - interval '1 hour'
                WHERE event_id = (SELECT request_id FROM orders
                                  WHERE order_id = ${decided.order_id})`.execute(orders)
      await sql`UPDATE orders SET status = 'PAYMENT_PENDING', timeout_starts_at = '-infinity'
                WHERE order_id = ${decided.order_id}`.execute(orders)
    })
    await eventually(async () => (await status(lostRequest)) === 'PAID')
    await eventually(async () => (await status(decided.order_id)) === 'PAID')
    const { body: account } = await call(stack.gateway, 'GET', '/accounts/bob')
    assert.equal(account.balance, '1.00')
  })

  it('is a 500 without internals when nobody expected it', async () => {
    await withDatabases(stack, async ({ orders }) => {
      await sql`ALTER TABLE orders ADD CONSTRAINT unlucky CHECK (amount <> 666.66)`.execute(orders)
      try {
        const { detail } = expectProblem(await postOrder('666.66'), 500)
        assert.doesNotMatch(detail, /unlucky|constraint|sql/i)
      } finally {
        await sql`ALTER TABLE orders DROP CONSTRAINT unlucky`.execute(orders)
      }
    })
  })

  describe('with a rate limit, and without any orders-api', () => {
    let limited: Stack
    before(async () => {
      const env = { RATE_LIMIT_PER_SECOND: '5' }
      limited = await startStack({ args: ['--scale', 'orders-api=0'], env })
    })
    after(async () => {
      assert.equal(await limited.stop(), 0)
    })

    it('answers 503 for what has no replica, and 429 to who asks too often', async () => {
      const replies = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          call(limited.gateway, 'GET', n % 2 ? '/orders' : '/accounts/x'),
        ),
      )
      const byStatus = Map.groupBy(replies, ({ status }) => status)
      assert.deepEqual([...byStatus.keys()].sort(), [404, 429, 503])
      for (const [status, [reply]] of byStatus) if (reply) expectProblem(reply, status)
      for (const status of [429, 503]) {
        assert.ok(byStatus.get(status)?.[0]?.headers.get('retry-after'), `${status}`)
      }
      assert.ok((byStatus.get(429)?.length ?? 0) >= 20)
    })
  })
})
