import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { FailureReason } from '#contracts/events.ts'
import type {
  AttemptsTable,
  DeferredEventsTable,
  InboxTable,
  OutboxTable,
  RetentionTable,
} from '#messaging/tables.ts'
import type {
  GaugesTable,
  IdempotencyKeysTable,
  InstallationTable,
  UserRequestsTable,
} from '#tables/both.ts'
import type { OrdersTable } from '#tables/orders.ts'
import type { AccountsTable, LedgerTable } from '#tables/payments.ts'
import { type TestDatabase, useDatabase } from '#testing/database.ts'

/**
 * What a column is: its type (a domain by its name), then `?` when it may be null, `=` when it has
 * a default. A column that a type lacks, or has in excess, fails the type check of this file.
 */
type Columns<Table> = Record<keyof Table, string>

const messaging = {
  outbox: {
    event_id: 'uuid',
    event_type: 'text',
    payload_json: 'jsonb',
    created_at: 'timestamptz =',
    published_at: 'timestamptz ?',
    publish_attempts: 'int4 =',
    next_attempt_at: 'timestamptz =',
    last_error: 'text ?',
  } satisfies Columns<OutboxTable>,
  inbox: {
    event_id: 'uuid',
    event_type: 'text ?',
    received_at: 'timestamptz =',
  } satisfies Columns<InboxTable>,
  attempts: {
    event_id: 'uuid',
    started: 'int4 =',
    finished: 'int4 =',
    last_started_at: 'timestamptz =',
    last_error: 'text ?',
  } satisfies Columns<AttemptsTable>,
  deferred_events: {
    deferred_id: 'int8',
    event_id: 'uuid',
    waits_for: 'text',
    properties: 'json',
    content: 'bytea',
    deferred_at: 'timestamptz =',
  } satisfies Columns<DeferredEventsTable>,
  user_requests: {
    user_id: 'user_name',
    spent_until: 'timestamptz',
  } satisfies Columns<UserRequestsTable>,
  retention: {
    table_name: 'text',
    retention_ms: 'int8',
    expired_before: 'timestamptz ?',
    position: 'text ?',
    due_at: 'timestamptz =',
    deleted: 'int8 =',
    deleted_ever: 'int8 =',
    finished_at: 'timestamptz ?',
  } satisfies Columns<RetentionTable>,
  gauges: {
    name: 'text',
    depth: 'int8 =',
    oldest_at: 'timestamptz ?',
    computed_at: 'timestamptz =',
  } satisfies Columns<GaugesTable>,
  idempotency_keys: {
    user_id: 'text',
    call: 'text',
    key: 'text',
    fingerprint: 'text',
    response_status: 'int4',
    response_body: 'text',
    created_at: 'timestamptz =',
  } satisfies Columns<IdempotencyKeysTable>,
  installation: {
    single_row: 'bool =',
    id: 'uuid',
    service: 'text',
  } satisfies Columns<InstallationTable>,
}

const expected = {
  orders: {
    ...messaging,
    orders: {
      order_id: 'uuid',
      user_id: 'user_name',
      amount: 'money_amount',
      status: 'text =',
      failure_reason: 'text ?',
      created_at: 'timestamptz =',
      updated_at: 'timestamptz =',
      request_id: 'uuid ?',
      request_attempts: 'int4 =',
      timeout_starts_at: 'timestamptz =',
      relayed_at: 'timestamptz ?',
      received_at: 'timestamptz ?',
      charged_at: 'timestamptz ?',
      reply_relayed_at: 'timestamptz ?',
      settled_at: 'timestamptz ?',
      refund_accepted_at: 'timestamptz ?',
    } satisfies Columns<OrdersTable>,
  },
  payments: {
    ...messaging,
    accounts: {
      user_id: 'user_name',
      balance: 'money_balance =',
      version: 'int4 =',
      created_at: 'timestamptz =',
      updated_at: 'timestamptz =',
    } satisfies Columns<AccountsTable>,
    ledger: {
      tx_id: 'uuid',
      order_id: 'uuid ?',
      user_id: 'user_name',
      type: 'text',
      amount: 'money_amount',
      status: 'text',
      reason: 'text ?',
      created_at: 'timestamptz =',
    } satisfies Columns<LedgerTable>,
  },
}

/** The same of the live database; node-pg-migrate's own table is not ours. */
async function columnsOf(database: TestDatabase<unknown>) {
  const rows = await database.rows(sql<{ table: string; column: string; what: string }>`
    SELECT table_name AS table, column_name AS column,
           coalesce(domain_name, udt_name)
             || CASE WHEN is_nullable = 'YES' AND domain_name IS NULL THEN ' ?' ELSE '' END
             || CASE WHEN column_default IS NOT NULL THEN ' =' ELSE '' END AS what
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'migrations'
  `)
  const tables = Map.groupBy(rows, ({ table }) => table)
  return Object.fromEntries(
    [...tables].map(([table, columns]) => [
      table,
      Object.fromEntries(columns.map(({ column, what }) => [column, what])),
    ]),
  )
}

const uncommented = sql<{ what: string }>`
  SELECT c.relname || coalesce('.' || a.attname, '') AS what
  FROM pg_class c
  LEFT JOIN LATERAL (
    SELECT attname, attnum FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT NULL, 0
  ) a ON true
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations'
    AND coalesce(length(trim(CASE WHEN a.attnum = 0
      THEN obj_description(c.oid, 'pg_class') ELSE col_description(c.oid, a.attnum) END)), 0) < 10
  ORDER BY 1
`

for (const service of ['orders', 'payments'] as const) {
  describe(`tables of ${service}`, () => {
    const database = useDatabase(service) as TestDatabase<unknown>

    it('are what the types say: every column, whether it may be null, whether it has a default', async () => {
      assert.deepEqual(await columnsOf(database), expected[service])
    })

    it('say what they are for: each table and each column has a comment', async () => {
      assert.deepEqual(await database.rows(uncommented), [])
    })

    it('have a domain for money and one for users, none of which may be null', async () => {
      const domains = await database.rows(sql<{ name: string; comment: string | null }>`
        SELECT typname AS name, obj_description(oid, 'pg_type') AS comment
        FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace AND typnotnull
      `)
      const names = new Set(domains.map(({ name }) => name))
      assert.ok(names.isSupersetOf(new Set(['money_amount', 'user_name'])))
      assert.ok(domains.every(({ comment }) => comment))
    })

    it('serve the claim of the relay and the pages of the API from indexes', async () => {
      const indexes = await database.rows(sql<{ name: string }>`
        SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public'
      `)
      const names = new Set(indexes.map(({ name }) => name))
      const page = service === 'orders' ? 'orders_of_user' : 'ledger_of_user'
      assert.ok(names.isSupersetOf(new Set(['outbox_unpublished', page])))
    })
  })
}

const reasons = FailureReason.anyOf.map((reason) => reason.const)

describe('constraints of orders', () => {
  const database = useDatabase('orders')
  const insert = (
    amount: string | null,
    user = 'alice',
    status = 'PAYMENT_PENDING',
    reason: string | null = null,
  ) =>
    database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, status, failure_reason)
      VALUES (uuidv7(), ${user}, ${amount}::numeric, ${status}, ${reason})
    `)

  for (const amount of ['0.01', '9999999999999999.99']) {
    it(`take the amount ${amount}`, () => insert(amount))
  }
  for (const amount of ['0', '0.004', '-0.01', 'NaN', 'Infinity', '10000000000000000', null]) {
    it(`refuse the amount ${amount}`, () => assert.rejects(insert(amount)))
  }
  for (const user of ['', ' a', '-a', 'a b', 'a'.repeat(129), 'ü']) {
    it(`refuse the user ${JSON.stringify(user)}`, () => assert.rejects(insert('1', user)))
  }
  it('refuse a status that is none, and a reason for what has not failed', async () => {
    await assert.rejects(insert('1', 'alice', 'SHIPPED'))
    await assert.rejects(insert('1', 'alice', 'PAID', 'INSUFFICIENT_FUNDS'))
    for (const reason of reasons) await insert('1', 'alice', 'PAYMENT_FAILED', reason)
  })
  for (const reason of ['NULL', '', 'X']) {
    it(`refuse a failure for the reason ${JSON.stringify(reason)}`, () =>
      assert.rejects(insert('1', 'alice', 'PAYMENT_FAILED', reason), /orders_reason_is_known/))
  }
})

describe('constraints of payments', () => {
  const database = useDatabase('payments')
  const account = (balance: string | null) =>
    database.rows(sql`
      INSERT INTO accounts (user_id, balance) VALUES ('u' || random()::text, ${balance}::numeric)
    `)
  const entry = (changes: Record<string, string | null>) => {
    const row = {
      type: 'TOPUP',
      status: 'SUCCESS',
      amount: '1',
      order_id: null,
      reason: null,
      ...changes,
    }
    return database.rows(sql`
      INSERT INTO ledger (tx_id, user_id, type, status, amount, order_id, reason)
      VALUES (uuidv7(), 'alice', ${row.type}, ${row.status}, ${row.amount}::numeric,
              ${row.order_id}::uuid, ${row.reason})
    `)
  }
  const order = '01a203eb-0306-70d7-88eb-3cdf8b083d0d'

  for (const balance of ['0', '9999999999999999.99']) {
    it(`take the balance ${balance}`, () => account(balance))
  }
  for (const balance of ['-0.01', 'NaN', 'Infinity', '-Infinity', '10000000000000000', null]) {
    it(`refuse the balance ${balance}`, () => assert.rejects(account(balance)))
  }
  it('refuse to make a balance NaN, negative or null by arithmetic', async () => {
    await database.rows(sql`INSERT INTO accounts (user_id, balance) VALUES ('arith', 5)`)
    for (const change of ['NaN', '5.01', null]) {
      await assert.rejects(
        database.rows(sql`
          UPDATE accounts SET balance = balance - ${change}::numeric WHERE user_id = 'arith'
        `),
      )
    }
  })

  for (const changes of [
    { amount: '0' },
    { amount: 'NaN' },
    { amount: '-1' },
    { amount: null },
    { type: 'GIFT' },
    { status: 'MAYBE' },
    { order_id: order },
    { type: 'DEBIT' },
    { status: 'FAILED', reason: 'INSUFFICIENT_FUNDS' },
    { type: 'DEBIT', order_id: order, reason: 'INSUFFICIENT_FUNDS' },
  ]) {
    it(`refuse a ledger entry with ${JSON.stringify(changes)}`, () =>
      assert.rejects(entry(changes)))
  }

  for (const reason of ['NULL', '', 'X']) {
    const refusal = { type: 'DEBIT', order_id: randomUUIDv7(), status: 'FAILED', reason }
    it(`refuse a failure for the reason ${JSON.stringify(reason)}`, () =>
      assert.rejects(entry(refusal), /ledger_reason_is_known/))
  }
  it('take each reason that a reply may have', async () => {
    for (const reason of reasons) {
      await entry({ type: 'DEBIT', order_id: randomUUIDv7(), status: 'FAILED', reason })
    }
  })

  it('decide an order once: a second debit for it is refused, successful or not', async () => {
    await entry({ type: 'DEBIT', order_id: order })
    await assert.rejects(entry({ type: 'DEBIT', order_id: order }))
    const refusal = { status: 'FAILED', reason: 'INSUFFICIENT_FUNDS' }
    await assert.rejects(entry({ type: 'DEBIT', order_id: order, ...refusal }))
  })

  it('keep the ledger append-only', async () => {
    await entry({})
    for (const change of [
      sql`UPDATE ledger SET amount = 2`,
      sql`UPDATE ledger SET amount = amount WHERE false`,
      sql`DELETE FROM ledger`,
      sql`TRUNCATE ledger`,
    ]) {
      await assert.rejects(database.rows(change), /the ledger is append-only/)
    }
  })
})
