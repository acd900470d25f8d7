import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { signedAmount } from '#tables/payments.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { useResources } from '#testing/resources.ts'
import { compareAgain, DisagreeingOrders } from './compare-buckets.ts'
import { reconcile } from './reconcile.ts'
import { repair } from './repair.ts'

describe('reconcile', function () {
  this.timeout(60_000)
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const databases = () => ({ orders: orders.db, payments: payments.db })
  const find = async (olderThanMs = 60_000) =>
    (await reconcile({ databases: databases(), olderThanMs })).map(
      ({ kind, stage, order_id, user_id }) =>
        [kind, stage, order_id ?? user_id].filter(Boolean).join(' '),
    )

  const placeOrder = async (status = 'PAID', fields: object = {}) => {
    const order_id = randomUUIDv7()
    const failure_reason = status === 'PAYMENT_FAILED' ? 'INSUFFICIENT_FUNDS' : null
    const order = { order_id, user_id: 'alice', amount: '2.00', status, failure_reason, ...fields }
    await orders.db
      .insertInto('orders')
      .values(order as never)
      .execute()
    return order_id
  }
  const debit = async (order_id: string, fields: object = {}) => {
    const entry = {
      tx_id: randomUUIDv7(),
      order_id,
      user_id: 'alice',
      type: 'DEBIT',
      amount: '2.00',
    }
    const row = { ...entry, status: 'SUCCESS', ...fields }
    await payments.db
      .insertInto('ledger')
      .values(row as never)
      .execute()
    return order_id
  }
  const refused = { status: 'FAILED', reason: 'INSUFFICIENT_FUNDS' }
  const balanceAccounts = () =>
    sql`
    UPDATE accounts SET (balance, version) = (
      SELECT coalesce(sum(${sql.raw(signedAmount)}), 0), count(*)
      FROM ledger WHERE ledger.user_id = accounts.user_id AND status = 'SUCCESS')`.execute(
      payments.db,
    )

  beforeEach('databases that agree', async () => {
    for (const table of ['orders', 'outbox', 'inbox', 'attempts']) {
      await sql`TRUNCATE ${sql.table(table)}`.execute(orders.db)
    }
    await sql`ALTER TABLE ledger DISABLE TRIGGER ledger_append_only`.execute(payments.db)
    for (const table of ['ledger', 'accounts', 'outbox', 'inbox', 'attempts']) {
      await sql`TRUNCATE ${sql.table(table)}`.execute(payments.db)
    }
    await payments.db.insertInto('accounts').values({ user_id: 'alice' }).execute()
    const topUp = { tx_id: randomUUIDv7(), user_id: 'alice', type: 'TOPUP', amount: '1000.00' }
    await payments.db
      .insertInto('ledger')
      .values({ ...topUp, status: 'SUCCESS' } as never)
      .execute()
    for (let n = 0; n < 20; n++) await debit(await placeOrder())
    await debit(await placeOrder('PAYMENT_FAILED'), refused)
    await placeOrder('PAYMENT_PENDING')
    await debit(await placeOrder('PAYMENT_PENDING'))
    await balanceAccounts()
  })

  it('finds nothing in databases that agree, with orders on their way', async () => {
    assert.deepEqual(await find(), [])
  })

  it('finds an order that is PAID without a debit', async () => {
    const id = await placeOrder()
    assert.deepEqual(await find(), [`final-without-decision ${id}`])
  })

  it('finds a debit without an order', async () => {
    const id = await debit(randomUUIDv7(), refused)
    assert.deepEqual(await find(), [`debit-without-order ${id}`])
  })

  for (const [what, status, entry] of [
    ['is PAID by a refused debit', 'PAID', refused],
    ['failed, though it was charged', 'PAYMENT_FAILED', {}],
    ['failed for another reason', 'PAYMENT_FAILED', { ...refused, reason: 'ACCOUNT_NOT_FOUND' }],
  ] as const) {
    it(`finds an order that ${what}`, async () => {
      const id = await debit(await placeOrder(status), entry)
      await balanceAccounts()
      assert.deepEqual(await find(), [`status-disagrees ${id}`])
    })
  }

  describe('of refunds', () => {
    const success = { type: 'REFUND' }
    const refusal = { type: 'REFUND', status: 'FAILED', reason: 'BALANCE_LIMIT' }
    const paid = async (status = 'PAID', fields = {}) => debit(await placeOrder(status, fields))

    it('finds nothing in databases that agree, with refunds done, refused and on their way', async () => {
      await debit(await paid('REFUNDED'), success)
      await debit(await paid('PAID', { failure_reason: 'BALANCE_LIMIT' }), refusal)
      await paid('REFUND_PENDING')
      for (const entry of [success, refusal]) await debit(await paid('REFUND_PENDING'), entry)
      await balanceAccounts()
      assert.deepEqual(await find(), [])
    })

    for (const [what, finding, order, entries] of [
      ['REFUNDED without a refund', 'final-without-decision', { status: 'REFUNDED' }, [{}]],
      ['REFUNDED without a debit', 'final-without-decision', { status: 'REFUNDED' }, [success]],
      ['REFUNDED by a refusal', 'status-disagrees', { status: 'REFUNDED' }, [{}, refusal]],
      ['PAID, though it was refunded', 'status-disagrees', {}, [{}, success]],
      ['PAID, and does not say that its refund was refused', 'status-disagrees', {}, [{}, refusal]],
      [
        'PAID, and says that its refund was refused, which it was not',
        ...(['status-disagrees', { failure_reason: 'BALANCE_LIMIT' }, [{}]] as const),
      ],
      [
        'pending, and refunded already',
        'status-disagrees',
        { status: 'PAYMENT_PENDING' },
        [{}, success],
      ],
      [
        'about another amount',
        'amount-disagrees',
        { status: 'REFUNDED' },
        [{}, { ...success, amount: '2.01' }],
      ],
    ] as const) {
      it(`finds an order that is ${what}`, async () => {
        const id = await placeOrder('PAID', order)
        for (const entry of entries) await debit(id, entry)
        await balanceAccounts()
        assert.deepEqual(await find(), [`${finding} ${id}`])
      })
    }

    it('finds a refund without an order, and that the balance has more than it should', async () => {
      const id = randomUUIDv7()
      await debit(id, success)
      assert.deepEqual((await find()).sort(), [
        ...[`refund-without-order ${id}`, 'wrong-balance alice', 'wrong-version alice'],
      ])
    })

    it('finds a refund that is pending too long, since it was accepted, and asks again', async () => {
      const request_id = randomUUIDv7()
      const old = sql`now() - interval '1 hour'`
      const young = { created_at: old, refund_accepted_at: sql`now()` }
      await paid('REFUND_PENDING', young)
      const id = await paid('REFUND_PENDING', {
        request_id,
        created_at: old,
        refund_accepted_at: old,
      })
      await balanceAccounts()
      assert.deepEqual(await find(), [`pending-too-long request-unanswered ${id}`])
      const found = await reconcile({ databases: databases(), olderThanMs: 60_000 })
      assert.deepEqual((await repair(databases(), found)).requested_again, [id])
      const { rows } = await sql<{ event_type: string }>`SELECT event_type FROM outbox`.execute(
        orders.db,
      )
      assert.deepEqual(rows, [{ event_type: 'RefundRequested' }])
    })

    it('does not find what changes between its readings of Orders and of the ledger', async () => {
      const id = await paid()
      const disagreeing = new DisagreeingOrders(1)
      disagreeing.add([{ kind: 'status-disagrees', order_id: id, message: '' }])
      const set = (status: string) =>
        sql`UPDATE orders SET status = ${status} WHERE order_id = ${id}`.execute(orders.db)
      let comparing: Promise<unknown> = Promise.resolve()
      await payments.db.transaction().execute(async (trx) => {
        await sql`LOCK TABLE ledger`.execute(trx)
        comparing = compareAgain(databases(), disagreeing)
        await eventually(payments.waitingForLocks, { timeoutMs: 5_000 })
        await set('REFUND_PENDING')
        await sql`
          INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status)
          VALUES (uuidv7(), ${id}, 'alice', 'REFUND', 2, 'SUCCESS')`.execute(trx)
      })
      assert.deepEqual(await comparing, [])
      await set('PAID')
      const found = (await compareAgain(databases(), disagreeing)).map(({ kind }) => kind)
      assert.deepEqual(found, ['status-disagrees'])
    })

    it('finds nothing while orders are refunded all the time', async () => {
      const ids = await Promise.all(Array.from({ length: 40 }, () => paid()))
      await balanceAccounts()
      const refunding = (async () => {
        for (const id of ids) {
          const set = (status: string) =>
            sql`UPDATE orders SET status = ${status} WHERE order_id = ${id}`.execute(orders.db)
          await set('REFUND_PENDING')
          await payments.db.transaction().execute(async (trx) => {
            await sql`
              INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status)
              VALUES (uuidv7(), ${id}, 'alice', 'REFUND', 2, 'SUCCESS')`.execute(trx)
            await sql`UPDATE accounts SET balance = balance + 2, version = version + 1`.execute(trx)
          })
          await set('REFUNDED')
        }
      })()
      let isOver = false
      void refunding.finally(() => {
        isOver = true
      })
      let looks = 0
      for (; !isOver || looks < 3; looks++) assert.deepEqual(await find(), [])
      await refunding
    })
  })

  for (const status of ['PAID', 'PAYMENT_PENDING']) {
    it(`finds another amount or user in the debit of an order that is ${status}`, async () => {
      const one = await debit(await placeOrder(status), { amount: '2.01' })
      const two = await debit(await placeOrder(status), { user_id: 'bob', ...refused })
      await balanceAccounts()
      const found = await find()
      assert.deepEqual(found.sort(), [`amount-disagrees ${one}`, `amount-disagrees ${two}`].sort())
    })
  }

  it('finds an order that was decided twice, should the fence be gone', async () => {
    await sql`ALTER TABLE ledger DROP CONSTRAINT ledger_one_decision_per_order`.execute(payments.db)
    const settled = await debit(await debit(await placeOrder()))
    const pending = await debit(await debit(await placeOrder('PAYMENT_PENDING')))
    await balanceAccounts()
    const found = await find()
    await sql`DELETE FROM ledger WHERE order_id IN (${settled}, ${pending})`.execute(payments.db)
    await sql`ALTER TABLE ledger ADD CONSTRAINT ledger_one_decision_per_order
              UNIQUE (order_id, type)`.execute(payments.db)
    assert.deepEqual(found.sort(), [`decided-twice ${settled}`, `decided-twice ${pending}`].sort())
  })

  it('finds a balance that is not the sum of its ledger, and a version that skipped', async () => {
    await sql`UPDATE accounts SET balance = balance + 0.01`.execute(payments.db)
    assert.deepEqual(await find(), ['wrong-balance alice'])
    await balanceAccounts()
    await sql`UPDATE accounts SET version = version + 1`.execute(payments.db)
    assert.deepEqual(await find(), ['wrong-version alice'])
    await sql`DELETE FROM accounts`.execute(payments.db)
    assert.deepEqual(await find(), ['wrong-balance alice'])
  })

  describe('of an order that is pending too long', () => {
    const longAgo = { created_at: new Date(Date.now() - 120_000) }
    const promise = (db: typeof orders.db | typeof payments.db, subject: string, fields = {}) => {
      const event = {
        event_id: randomUUIDv7(),
        event_type: 'x',
        payload_json: { subject },
        ...fields,
      }
      return sql`INSERT INTO outbox ${sql.raw(
        '(event_id, event_type, payload_json, published_at, last_error, next_attempt_at)',
      )} VALUES (${event.event_id}, 'x', ${JSON.stringify(event.payload_json)},
        ${(fields as { published_at?: Date }).published_at ?? null}, 'no queue',
        now() + interval '1 minute')`
        .execute(db as never)
        .then(() => event.event_id)
    }

    it('says at which hop it is stuck, and repairs what is safe', async () => {
      const request_id = randomUUIDv7()
      const unpublished = await placeOrder('PAYMENT_PENDING', longAgo)
      const unanswered = await placeOrder('PAYMENT_PENDING', { ...longAgo, request_id })
      const unheard = await debit(await placeOrder('PAYMENT_PENDING', longAgo), refused)
      const undelivered = await debit(await placeOrder('PAYMENT_PENDING', longAgo), refused)
      const failing = await placeOrder('PAYMENT_PENDING', longAgo)
      await promise(orders.db, unpublished)
      await promise(payments.db, undelivered)
      const event_id = await promise(orders.db, failing, { published_at: new Date() })
      await payments.db.insertInto('attempts').values({ event_id, started: 3 }).execute()
      const deferred = await placeOrder('PAYMENT_PENDING', longAgo)
      // It waits for so long that the outbox does not have its request any more.
      const content = Buffer.from(JSON.stringify({ data: { order_id: deferred } }))
      await payments.rows(sql`
        INSERT INTO deferred_events (event_id, waits_for, properties, content)
        VALUES (${randomUUIDv7()}, 'alice', '{}', ${content})`)
      const found = await reconcile({ databases: databases(), olderThanMs: 60_000 })
      assert.deepEqual(Object.fromEntries(found.map(({ order_id, stage }) => [order_id, stage])), {
        [unpublished]: 'request-unpublished',
        [unanswered]: 'request-unanswered',
        [unheard]: 'reply-unheard',
        [undelivered]: 'reply-unpublished',
        [failing]: 'request-failing',
        [deferred]: 'request-deferred',
      })
      const repaired = await repair(databases(), found)
      assert.deepEqual(repaired.requested_again.sort(), [unanswered, unheard, failing].sort())
      assert.equal(repaired.rescheduled.length, 2)
      const asked = await orders.rows(sql<{ order_id: string }>`
        SELECT order_id FROM orders JOIN outbox ON event_id = request_id
        WHERE payload_json->>'subject' = order_id::text AND published_at IS NULL
          AND event_type = 'PaymentRequested' AND request_attempts = 2`)
      assert.deepEqual(asked.map((row) => row.order_id).sort(), repaired.requested_again)
      assert.deepEqual((await repair(databases(), found)).rescheduled, [])
    })

    it('says that a letter of it is dead', async () => {
      const id = await placeOrder('PAYMENT_PENDING', longAgo)
      const letter = { order_id: id, queue: 'payments-consumer.dlq', reason: 'x', last_error: 'y' }
      const queue = { queue: 'payments-consumer.dlq', messages: 1, consumers: 0 }
      const broker = {
        deadLetters: async () => ({
          queues: [queue],
          letters: [letter as never],
          uncounted: null,
        }),
        leaderlessQueues: async () => ({ queues: [], unknown: null }),
        halfMovedQueues: async () => ({ queues: [], unknown: null }),
      }
      const found = await reconcile({ databases: databases(), broker, olderThanMs: 60_000 })
      assert.deepEqual(
        found.map(({ kind, stage, queue }) => stage ?? `${kind} ${queue}`),
        ['request-dead', 'dead-letters payments-consumer.dlq'],
      )
    })
  })

  it('says that it does not know when the broker went away in the middle', async () => {
    const broker = {
      deadLetters: async () => ({ queues: [], letters: [], uncounted: null }),
      leaderlessQueues: async () => ({ queues: [], unknown: 'The broker cannot be reached' }),
      halfMovedQueues: async () => ({ queues: [], unknown: null }),
    }
    const [found, ...more] = await reconcile({
      databases: databases(),
      broker,
      olderThanMs: 60_000,
    })
    assert.equal(more.length, 0)
    assert.equal(found?.kind, 'dead-letters-uncounted')
    assert.match(found?.message ?? '', /^The broker cannot be reached; not all dead letters/)
  })

  it('names a queue without a leader, and the command that elects one', async () => {
    const leaderless = { queue: 'orders-consumer.dlq', remedy: 'rabbitmqctl …' }
    const broker = {
      deadLetters: async () => ({ queues: [], letters: [], uncounted: null }),
      leaderlessQueues: async () => ({ queues: [leaderless], unknown: null }),
      halfMovedQueues: async () => ({ queues: [], unknown: null }),
    }
    assert.deepEqual(await reconcile({ databases: databases(), broker, olderThanMs: 60_000 }), [
      {
        kind: 'queue-without-leader',
        queue: 'orders-consumer.dlq',
        message:
          'orders-consumer.dlq has no leader, and neither accepts nor delivers: run rabbitmqctl …',
      },
    ])
  })

  describe('is not alarmed', () => {
    const use = useResources()

    /**
     * Looks at Orders, and at Payments only after `between`: its one connection is taken until
     * then.
     */
    const findAround = async (between: () => Promise<unknown>) => {
      const open = <Tables>(url: string) =>
        use(connectDatabase<Tables>({ name: 'operator', url, poolSize: 1 }))
      const slow = open<PaymentsDatabase>(payments.url)
      const apart = { orders: open<OrdersDatabase>(orders.url), payments: slow }
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      const { promise: taken, resolve: take } = Promise.withResolvers<void>()
      const holding = slow.connection().execute(async () => {
        take()
        await released
      })
      await taken
      const finding = reconcile({ databases: apart, olderThanMs: 60_000 })
      await eventually(async () => (await orders.rows(snapshotOpen)).length === 1)
      await between()
      release()
      await holding
      return finding
    }
    const snapshotOpen = sql`
      SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'operator' AND state = 'idle in transaction'`
    const settle = (order_id: string) => {
      const settled = { status: 'PAYMENT_FAILED', failure_reason: 'INSUFFICIENT_FUNDS' } as const
      return orders.db.updateTable('orders').set(settled).where('order_id', '=', order_id).execute()
    }

    it('by an order that is placed and decided between its two looks', async () => {
      const place = async () => debit(await placeOrder('PAYMENT_PENDING'), refused)
      assert.deepEqual(await findAround(place), [])
    })

    it('by one that is placed, decided and settled between them', async () => {
      const place = async () => settle(await debit(await placeOrder('PAYMENT_PENDING'), refused))
      assert.deepEqual(await findAround(place), [])
    })

    it('by one that was pending at the first and is settled at the second', async () => {
      const id = await placeOrder('PAYMENT_PENDING')
      assert.deepEqual(await findAround(async () => settle(await debit(id, refused))), [])
    })

    it('and still finds what breaks between them for good', async () => {
      const broken = await findAround(() => debit(randomUUIDv7(), refused))
      assert.deepEqual(
        broken.map(({ kind }) => kind),
        ['debit-without-order'],
      )
    })
  })

  it('finds money that is no number, should its domain let it through', async () => {
    await sql`ALTER DOMAIN money_balance DROP CONSTRAINT money_balance_in_range`.execute(
      payments.db,
    )
    await sql`ALTER DOMAIN money_amount DROP CONSTRAINT money_amount_in_range`.execute(payments.db)
    await sql`UPDATE accounts SET balance = 'NaN'`.execute(payments.db)
    assert.deepEqual(await find(), ['wrong-balance alice'])
    const topUp = { tx_id: randomUUIDv7(), user_id: 'alice', type: 'TOPUP', amount: 'NaN' }
    await payments.db
      .insertInto('ledger')
      .values({ ...topUp, status: 'SUCCESS' } as never)
      .execute()
    await balanceAccounts() // to PostgreSQL, NaN equals NaN
    assert.deepEqual(await find(), ['wrong-balance alice', 'impossible-amount'])
    await sql`ALTER DOMAIN money_amount DROP CONSTRAINT money_amount_in_range`.execute(orders.db)
    const id = await placeOrder('PAYMENT_PENDING', { amount: 'NaN' })
    assert.ok((await find()).includes(`impossible-amount ${id}`))
  })
})
