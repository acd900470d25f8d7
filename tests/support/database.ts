import { readFileSync } from 'node:fs'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { nameInstallation } from '#messaging/installation.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import { migrate } from '#migrations/migrate.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { eventually } from './eventually.ts'
import { postgresServer } from './servers.ts'

interface Services {
  orders: OrdersDatabase
  payments: PaymentsDatabase
  /** The tables of the engine alone, created by messaging/schema.sql. */
  messaging: MessagingDatabase
}

/** A database with all tables, for the tests of a `describe`. */
export interface TestDatabase<Tables> {
  name: string
  url: string
  /** The connections of the test itself; the tested code opens its own. */
  db: Database<Tables>
  rows: <Row>(statement: RawBuilder<Row>) => Promise<Row[]>
  /** Terminates the connections of a process, by its application name; returns their number. */
  endConnections: (applicationName?: string) => Promise<number>
  /** The number of sessions that wait for a lock. */
  waitingForLocks: () => Promise<number>
  /** Refuses new connections, and terminates the present ones. */
  refuseConnections: () => Promise<void>
  acceptConnections: () => Promise<void>
}

/** Runs `work` on the administrator's connection to the server. */
const admin = async <T>(work: (db: Database<unknown>) => Promise<T>): Promise<T> => {
  const { url } = await postgresServer()
  const db = connectDatabase<unknown>({
    ...{ name: 'test admin', url: url('postgres'), poolSize: 1 },
    statementTimeoutMs: 60_000, // DROP DATABASE waits for a checkpoint, which a busy disk makes long
  })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/**
 * Creates the database before the tests of this `describe`; afterwards fails if it is still used.
 */
export function useDatabase<Service extends keyof Services>(
  service: Service,
): TestDatabase<Services[Service]> {
  const database = {} as TestDatabase<Services[Service]>
  let close = async () => {}
  before('create a database', async function () {
    this.timeout(120_000)
    const opened = await openDatabase(service)
    close = opened.close
    Object.assign(database, opened.database)
  })
  after('leave no connection to the database', () => close())
  return database
}

/** As `useDatabase`, outside of mocha: `close` fails if the database is still used. */
export async function openDatabase<Service extends keyof Services>(service: Service) {
  const { url } = await postgresServer()
  const name = await createFromTemplate(service)
  const db = connectDatabase<Services[Service]>({ name: 'test', url: url(name), poolSize: 3 })
  const rows = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(db)).rows
  const database: TestDatabase<Services[Service]> = {
    ...{ name, url: url(name), db, rows },
    ...outages(name),
  }
  const close = async () => {
    await db.close()
    await assertUnused(name)
    await admin((own) => sql`DROP DATABASE ${sql.id(name)}`.execute(own))
  }
  return { database, close }
}

/** Throws an Error that names the connections that are still open. */
export async function assertUnused(name: string, { timeoutMs = 2_000 } = {}): Promise<void> {
  await admin((db) =>
    eventually(
      async () => {
        const left = await connectionsTo(db, name)
        if (left.length > 0) throw new Error(`Left open in the database: ${left.join('; ')}`)
        return true
      },
      { timeoutMs },
    ),
  )
}

async function connectionsTo(db: Database<unknown>, name: string): Promise<string[]> {
  const { rows } = await sql<{ application_name: string; state: string; query: string }>`
    SELECT application_name, state, query FROM pg_stat_activity
    WHERE datname = ${name} AND backend_type = 'client backend'
  `.execute(db)
  return rows.map((row) => `${row.application_name} (${row.state}, ${row.query.trim()})`)
}

const outages = (name: string) => ({
  endConnections: (applicationName?: string) =>
    admin(async (db) => {
      const { rows } = await sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = ${name}
          AND application_name = coalesce(${applicationName ?? null}::text, application_name)
          AND pid <> pg_backend_pid()
      `.execute(db)
      return rows.length
    }),
  waitingForLocks: () =>
    admin(async (db) => {
      const { rows } = await sql`
        SELECT FROM pg_stat_activity WHERE datname = ${name} AND wait_event_type = 'Lock'
      `.execute(db)
      return rows.length
    }),
  refuseConnections: () =>
    admin(async (db) => {
      await sql`ALTER DATABASE ${sql.id(name)} ALLOW_CONNECTIONS false`.execute(db)
      await sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${name}
      `.execute(db)
    }),
  acceptConnections: () =>
    admin(async (db) => {
      await sql`ALTER DATABASE ${sql.id(name)} ALLOW_CONNECTIONS true`.execute(db)
    }),
})

/** Template databases: migrated once per service and run, then copied. */
const templates = new Map<keyof Services, Promise<string>>()
let count = 0

async function createFromTemplate(service: keyof Services): Promise<string> {
  const migrated = templates.get(service) ?? createTemplate(service)
  templates.set(service, migrated)
  const template = await migrated
  const name = `test_${service}_${process.pid}_${++count}`
  await admin((db) => sql`CREATE DATABASE ${sql.id(name)} TEMPLATE ${sql.id(template)}`.execute(db))
  return name
}

/** The installation of all test databases. */
const testInstallation = '00000000-0000-4000-8000-000000000001'

async function createTemplate(service: keyof Services): Promise<string> {
  const name = `template_${service}_${process.pid}`
  await createEmptyDatabase(name)
  const { url } = await postgresServer()
  if (service !== 'messaging') await migrate(url(name), service)
  const db = connectDatabase({ name: 'test', url: url(name), poolSize: 1 })
  const finishing =
    service === 'messaging'
      ? sql.raw(readFileSync('messaging/schema.sql', 'utf8')).execute(db)
      : nameInstallation(db, { id: testInstallation, service })
  await finishing.finally(() => db.close())
  return name
}

/** Creates a database for a test that migrates the database itself. */
export async function createEmptyDatabase(name: string): Promise<void> {
  await dropDatabase(name)
  await admin((db) => sql`CREATE DATABASE ${sql.id(name)}`.execute(db))
}

export const dropDatabase = async (name: string): Promise<void> => {
  await admin((db) => sql`DROP DATABASE IF EXISTS ${sql.id(name)}`.execute(db))
}

/** Drops the templates, which would stay on an external server. */
export async function dropTemplates(): Promise<void> {
  const names = await Promise.all(templates.values())
  for (const name of names) await dropDatabase(name)
  templates.clear()
}
