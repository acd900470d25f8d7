import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import type { Finding } from './findings.ts'
import { reconcile } from './reconcile.ts'

describe('reconcile, when the databases disagree widely', function () {
  this.timeout(120_000)
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const databases = () => ({ orders: orders.db, payments: payments.db })
  const kindsOf = (found: Finding[]) =>
    Object.fromEntries(
      [...Map.groupBy(found, ({ kind }) => kind)].map(([kind, some]) => [kind, some.length]),
    )

  /** The nth order of both databases: the same id in each, far from its neighbours. */
  const idOf = (n: string) => sql`md5(${sql.ref(n)}::text)::uuid`

  before(
    '12,000 orders without a debit, 13,000 that agree, 5,000 debits without an order',
    async () => {
      await sql`
      INSERT INTO orders (order_id, user_id, amount, status, failure_reason)
      SELECT ${idOf('n')}, 'alice', 2, 'PAYMENT_FAILED', 'INSUFFICIENT_FUNDS'
      FROM generate_series(1, 25000) AS n`.execute(orders.db)
      await sql`
      INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status, reason)
      SELECT gen_random_uuid(), ${idOf('n')}, 'alice', 'DEBIT', 2, 'FAILED', 'INSUFFICIENT_FUNDS'
      FROM generate_series(12001, 30000) AS n`.execute(payments.db)
    },
  )

  it('lists every order and every debit that disagree', async () => {
    const found = await reconcile({ databases: databases(), olderThanMs: 60_000 })
    assert.deepEqual(kindsOf(found), {
      'final-without-decision': 12_000,
      'debit-without-order': 5_000,
    })
    assert.equal(new Set(found.map(({ order_id }) => order_id)).size, 17_000)
  })

  it('counts, one by one, what is beyond its limit', async () => {
    const found = await reconcile({
      databases: databases(),
      olderThanMs: 60_000,
      mostListed: 1_000,
    })
    const more = found.filter(({ kind }) => kind === 'more-differences')
    assert.equal(found.length, 1_001)
    assert.match(more[0]?.message ?? '', /^16000 more orders or debits disagree/)
  })
})
