import { randomInt } from 'node:crypto'
import { globSync } from 'node:fs'
import { connectionOptions } from '#chassis/database/connect.ts'
import { SessionClient } from '#chassis/database/session.ts'

export type Service = 'orders' | 'payments'

const services: Record<Service, { title: string; variable: string; other: Service }> = {
  orders: { title: 'Orders', variable: 'ORDERS_DATABASE_URL', other: 'payments' },
  payments: { title: 'Payments', variable: 'PAYMENTS_DATABASE_URL', other: 'orders' },
}

/** A database that is to be migrated, as far as it is known before anything is written. */
export interface Target {
  service: Service
  session: SessionClient
  /** Where new tables go. */
  schema: string
  /** Where the table `migrations` is; undefined before the first migration. */
  migrationsSchema: string | undefined
}

const unlimited = { statement_timeout: '0', lock_timeout: '0', enable_seqscan: 'on' }

/**
 * Opens a session on the database for `work`, and closes it. Statements may take their time: a
 * migration waits for locks, and for the migration of another process.
 */
export async function withTarget<T>(
  url: string,
  service: Service,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const session = new SessionClient({
    ...connectionOptions('migrations', url),
    ...{ connectionTimeoutMillis: 10_000, query_timeout: 0 },
    settings: { ...unlimited, idle_in_transaction_session_timeout: '0' },
  })
  try {
    await session.connect()
    return await work(await inspect(session, service))
  } catch (cause) {
    throw cause instanceof Refusal ? cause : failure(service, cause as Error)
  } finally {
    await session.end()
  }
}

/** Says what is wrong with the databases, before anything is written. */
class Refusal extends Error {}

const failure = (service: Service, cause: Error): Refusal =>
  new Refusal(
    `The database of ${services[service].variable} cannot be migrated: ${reasonOf(cause)}`,
    { cause },
  )

/**
 * A refused connection has its reason in a code, not in its message; node-pg-migrate adds a stack.
 */
const reasonOf = ({ message, ...error }: NodeJS.ErrnoException) =>
  message.split('\n')[0] || error.code

/**
 * Throws, in a sentence, when it is not the database of this service, or the role may do nothing in
 * it.
 */
async function inspect(session: SessionClient, service: Service): Promise<Target> {
  const { schema, role, path, may_create, migrations_schema } = await findPlace(session)
  if (schema === null) {
    throw new Error(
      `its search_path (${path}) names no schema that exists. Create the schema, or name another one in the options of the URL.`,
    )
  }
  const target = { service, session, schema, migrationsSchema: migrations_schema ?? undefined }
  if (target.migrationsSchema === undefined && !may_create) {
    throw new Error(
      `the role ${role} may not create tables in the schema ${schema}. Give the role a schema of its own (CREATE SCHEMA AUTHORIZATION ${role}), or the right (GRANT CREATE ON SCHEMA ${schema} TO ${role}).`,
    )
  }
  await requireOwn(target)
  return target
}

interface Place {
  schema: string | null
  role: string
  path: string
  may_create: boolean | null
  migrations_schema: string | null
}

/** A table `migrations` of another tool has no column `run_on`. */
async function findPlace(session: SessionClient): Promise<Place> {
  const { rows } = await session.query<Place>(`
    SELECT current_schema() AS schema, quote_ident(current_user) AS role,
           current_setting('search_path') AS path,
           has_schema_privilege(current_schema(), 'CREATE') AS may_create,
           (SELECT nspname
            FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (nspname, place)
            JOIN pg_namespace USING (nspname)
            JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = 'migrations'
            JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'run_on'
            ORDER BY place LIMIT 1) AS migrations_schema`)
  return rows[0] as Place
}

/** Two URLs may be swapped: then the migrations that have run are those of the other service. */
async function requireOwn({ service, session, migrationsSchema }: Target): Promise<void> {
  if (migrationsSchema === undefined) return
  const { other } = services[service]
  const names = namesIn(other).filter((name) => !namesIn(service).includes(name))
  const table = `${session.escapeIdentifier(migrationsSchema)}.migrations`
  const { rowCount } = await session.query(`SELECT FROM ${table} WHERE name = ANY ($1)`, [names])
  if (!rowCount) return
  throw new Error(
    `it is the database of ${services[other].title}. Each service has a database of its own: are ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL swapped, or the same? Nothing was changed.`,
  )
}

const namesIn = (service: Service): string[] =>
  globSync('*.sql', { cwd: `${import.meta.dirname}/${service}` }).map((file) => file.slice(0, -4))

/**
 * Throws when both are one schema of one database. A lock that one session holds is in the way of
 * the other only there, however the two URLs are written.
 */
export async function requireTwo(orders: Target, payments: Target): Promise<void> {
  const key = [randomInt(2 ** 31), randomInt(2 ** 31)]
  await orders.session.query('SELECT pg_advisory_lock($1, $2)', key)
  const { rows } = await payments.session.query<{ free: boolean }>(
    'SELECT pg_try_advisory_lock($1, $2) AS free',
    key,
  )
  if (rows[0]?.free || orders.schema !== payments.schema) return
  throw new Refusal(
    `ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL name the same database, and in it the same schema (${orders.schema}). Give each service a database of its own, or a schema of its own: ?options=-c%20search_path%3Dorders. Nothing was changed.`,
  )
}
