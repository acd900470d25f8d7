import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { type RawBuilder, sql } from 'kysely'
import { runner } from 'node-pg-migrate'
import { connectDatabase } from '#chassis/database/connect.ts'
import { createEmptyDatabase, dropDatabase } from '#testing/database.ts'
import { alterDatabase } from '#testing/hostile-settings.ts'
import { postgresServer } from '#testing/servers.ts'
import { migrate } from './migrate.ts'

const name = `test_migrate_${process.pid}`
const role = `${name}_role`
const databases = [`${name}_orders`, `${name}_payments`] as const
const [ordersName, paymentsName] = databases
const urlOf = async (database: string) => (await postgresServer()).url(database)

/** One statement on a connection of its own. */
async function query<Row>(url: string, statement: RawBuilder<Row>): Promise<Row[]> {
  const db = connectDatabase<unknown>({ name: 'test', url, poolSize: 1 })
  try {
    return (await statement.execute(db)).rows
  } finally {
    await db.close()
  }
}

/** As `npm start` and compose do it. */
async function migrateBoth(orders: string, payments: string) {
  const env = { ...process.env, ORDERS_DATABASE_URL: orders, PAYMENTS_DATABASE_URL: payments }
  const args = ['migrations/migrate.ts']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  const lines = stdout.trim().split('\n')
  return lines.map((line) => JSON.parse(line) as { database: string; applied: string[] })
}

/** It is refused in one line. */
const refuses = (orders: string, payments: string, message: RegExp) =>
  assert.rejects(migrateBoth(orders, payments), (error: Error & { stderr: string }) => {
    assert.match(error.stderr, message)
    assert.equal(error.stderr.trimEnd().split('\n').length, 1, error.stderr)
    return true
  })

const tablesIn = (url: string) =>
  query(
    url,
    sql<{ table: string }>`
      SELECT relnamespace::regnamespace || '.' || relname AS table FROM pg_class
      WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_)' ORDER BY 1`,
  ).then((rows) => rows.map(({ table }) => table))

describe('migrate', () => {
  let orders: string
  let payments: string

  beforeEach('create empty databases', async () => {
    for (const database of databases) await createEmptyDatabase(database)
    orders = await urlOf(ordersName)
    payments = await urlOf(paymentsName)
  })
  after('drop them', async () => {
    for (const database of databases) await dropDatabase(database)
  })

  it('may be run by four processes at once: each ends well, and the work is done once', async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrateBoth(orders, payments)))
    const applied = runs
      .flat()
      .flatMap(({ database, applied }) => applied.map((file) => `${database}/${file}`))
    const names = (['orders', 'payments'] as const).flatMap((service) =>
      globSync(`{both,${service}}/*.sql`, { cwd: import.meta.dirname }).map(
        (file) => `${service}/${basename(file, '.sql')}`,
      ),
    )
    assert.ok(names.length > 0)
    assert.deepEqual(applied.sort(), names.sort())
  })

  /** The first files of Orders, as an earlier version had them. */
  const migrateFirst = (count: number) =>
    runner({
      databaseUrl: orders,
      dir: ['both', 'orders'].map((folder) => `${import.meta.dirname}/${folder}/*.sql`),
      ...{ useGlob: true, migrationsTable: 'migrations', direction: 'up', count },
      log: () => {},
    })

  it('renames the columns of the payment request retry, and rewrites no row of a filled table', async () => {
    const files = globSync('{both,orders}/*.sql', { cwd: import.meta.dirname })
    await migrateFirst(files.filter((file) => basename(file) < '0013').length)
    await query(
      orders,
      sql`INSERT INTO orders (order_id, user_id, amount, times_asked, waiting_since)
          SELECT gen_random_uuid(), 'alice', n, n, '2026-01-01Z'::timestamptz + n * interval '1 s'
          FROM generate_series(1, 1000) AS n`,
    )
    const stored = async () => {
      const [row] = await query(
        orders,
        sql<{ index: number; table: number; rows: string[] }>`
          SELECT pg_relation_filenode('orders_pending') AS index, pg_relation_filenode('orders') AS table,
                 (SELECT array_agg(xmin::text || ctid ORDER BY order_id) FROM orders) AS rows`,
      )
      return row
    }
    const before = await stored()
    await migrateFirst(1)
    assert.deepEqual(await stored(), before)
    await migrate(orders, 'orders') // refunds make the index anew, and nothing else
    assert.deepEqual({ ...(await stored()), index: before?.index }, before)
    const [kept] = await query(
      orders,
      sql<{ n: number }>`
        SELECT count(*)::int AS n FROM orders
        WHERE request_attempts = amount
          AND timeout_starts_at = '2026-01-01Z'::timestamptz + request_attempts * interval '1 s'`,
    )
    assert.equal(kept?.n, 1_000)
  })

  it('does nothing the second time', async () => {
    assert.ok((await migrate(orders, 'orders')).length > 0)
    assert.deepEqual(await migrate(orders, 'orders'), [])
  })

  describe('in a database whose time zone is not UTC', () => {
    beforeEach('be in Tokyo', async () => {
      for (const change of alterDatabase(ordersName, { TimeZone: 'Asia/Tokyo' })) {
        await query(orders, change)
      }
    })

    it('writes when a file has run in UTC', async () => {
      await migrate(orders, 'orders')
      const rows = await query(
        orders,
        sql`SELECT name FROM migrations WHERE run_on > now() AT TIME ZONE 'UTC'`,
      )
      assert.deepEqual(rows, [])
    })

    it('goes on where earlier files have run by local time', async () => {
      await migrateFirst(5)
      assert.ok((await migrate(orders, 'orders')).length > 0)
      assert.deepEqual(await migrate(orders, 'orders'), [])
    })
  })

  describe('in a schema', () => {
    const asRole = (url: string, options = '') =>
      `${url.replace(/\/\/[^@]*@/, `//${role}:secret@`)}${options}`
    const ownPaths = (url: string, schema: string) =>
      asRole(url, `?options=${encodeURIComponent(`-c search_path=${schema}`)}`)

    before('create a role without any right', async () => {
      await query(await urlOf('postgres'), sql`CREATE ROLE ${sql.id(role)} LOGIN PASSWORD 'secret'`)
    })
    after('drop it', async () => {
      for (const database of databases) await dropDatabase(database)
      await query(await urlOf('postgres'), sql`DROP ROLE ${sql.id(role)}`)
    })
    const createSchema = (url: string, schema: string) =>
      query(url, sql`CREATE SCHEMA ${sql.id(schema)} AUTHORIZATION ${sql.id(role)}`)

    it('that is named like the role works where the role may nothing in public', async () => {
      for (const url of [orders, payments]) await createSchema(url, role)
      await migrateBoth(asRole(orders), asRole(payments))
      await migrateBoth(asRole(orders), asRole(payments))
      const tables = [...(await tablesIn(orders)), ...(await tablesIn(payments))]
      assert.ok(tables.length > 10)
      assert.ok(tables.every((table) => table.startsWith(`${role}.`)))
      await query(asRole(orders), sql`SELECT FROM orders`)
    })

    it('that the options of the URL name works, also two of one database', async () => {
      for (const schema of ['one', 'two']) await createSchema(orders, schema)
      const [one, two] = [ownPaths(orders, 'one'), ownPaths(orders, 'two')]
      await migrateBoth(one, two)
      await migrateBoth(one, two)
      const tables = await tablesIn(orders)
      assert.ok(tables.includes('one.orders') && tables.includes('two.ledger'))
      assert.ok(tables.includes('one.migrations') && tables.includes('two.migrations'))
      assert.ok(tables.every((table) => !table.startsWith('public.')))
    })

    it('goes on beside the table that an earlier version has made in public', async () => {
      await query(orders, sql`GRANT CREATE ON SCHEMA public TO ${sql.id(role)}`)
      await migrate(asRole(orders), 'orders')
      await createSchema(orders, role)
      assert.deepEqual(await migrate(asRole(orders), 'orders'), [])
      assert.ok((await tablesIn(orders)).every((table) => table.startsWith('public.')))
    })

    it('in which the role may not create anything is refused in one sentence', async () => {
      await refuses(
        asRole(orders),
        payments,
        /^The database of ORDERS_DATABASE_URL .* may not create/,
      )
      await refuses(
        orders,
        asRole(payments),
        /^The database of PAYMENTS_DATABASE_URL .*GRANT CREATE/,
      )
      assert.deepEqual([...(await tablesIn(orders)), ...(await tablesIn(payments))], [])
    })

    it('that does not exist is refused in one sentence', async () => {
      await refuses(
        ownPaths(orders, 'nowhere'),
        payments,
        /search_path \(nowhere\) names no schema/,
      )
    })
  })

  describe('changes nothing, and says why in one sentence,', () => {
    it('when both services are to use one database, however its URL is written', async () => {
      const same = orders.replace('127.0.0.1', 'localhost')
      assert.notEqual(same, orders)
      await refuses(orders, same, /name the same database, and in it the same schema \(public\)/)
      assert.deepEqual(await tablesIn(orders), [])
    })

    it('when the two URLs are swapped', async () => {
      await migrateBoth(orders, payments)
      const before = await tablesIn(orders)
      await refuses(payments, orders, /^The database of ORDERS_.* is the database of Payments/)
      assert.deepEqual(await tablesIn(orders), before)
    })

    it('when one service is given the database of the other, and the other an empty one', async () => {
      await migrate(orders, 'orders')
      const empty = payments
      await refuses(empty, orders, /^The database of PAYMENTS_.* is the database of Orders/)
      assert.deepEqual(await tablesIn(empty), [])
    })

    it('when a database is away', async () => {
      await refuses(orders, 'postgres://127.0.0.1:9/none', /PAYMENTS_DATABASE_URL.*ECONNREFUSED/)
      assert.deepEqual(await tablesIn(orders), [])
    })
  })
})
