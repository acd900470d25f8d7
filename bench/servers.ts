import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { connectDatabase } from '#chassis/database/connect.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { nameInstallation } from '#messaging/installation.ts'
import { migrate } from '#migrations/migrate.ts'
import { freePorts } from '#testing/free-ports.ts'
import { type Server, startPostgres, startRabbitmq } from '#testing/private-servers.ts'

export interface Servers extends AsyncDisposable {
  ordersUrl: string
  paymentsUrl: string
  brokerUrl: string
  /** For outages: killed, it stays away until it is restarted. */
  broker: Pick<Server, 'kill' | 'restart'>
  /**
   * One more database, with the tables of a service or none, made when first asked for; its URL.
   */
  database: (name: string, service?: 'orders' | 'payments') => Promise<string>
  pids: () => { postgres: number; rabbitmq: number }
  /** For logs and pid files of whatever is measured; removed at the end. */
  dir: string
}

/** All databases of a run are of one installation. */
const installation = randomUUID()

/** All statements are counted when somebody wants profiles; it costs a little. */
const profiling = { shared_preload_libraries: 'pg_stat_statements' }

/**
 * A PostgreSQL and a RabbitMQ of our own, migrated, until disposed of.
 *
 * Durable as they come: fsync and synchronous_commit are on. `track_commit_timestamp` is the one
 * setting changed, since rates are read from the commits themselves, of both sides alike.
 */
export async function startServers(isProfiling: boolean): Promise<Servers> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-bench-'))
  stack.defer(() => removeState(dir))
  const [port = 0, amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(5)

  const settings = { track_commit_timestamp: 'on', ...(isProfiling && profiling) }
  const postgres = await startPostgres({ dir, port, databases: [], settings })
  stack.defer(postgres.stop)
  const broker = await startRabbitmq({ dir, ports: { amqp, management, distribution, epmd } })
  stack.defer(broker.stop)

  const made = new Set<string>()
  const database = async (name: string, service?: 'orders' | 'payments') => {
    if (!made.has(name)) await execute(postgres.url('postgres'), `CREATE DATABASE ${name}`)
    made.add(name)
    const url = postgres.url(name)
    if (!service) return url
    await migrate(url, service)
    const db = connectDatabase({ name: 'bench', url, poolSize: 1 })
    await nameInstallation(db, { id: installation, service }).finally(() => db.close())
    return url
  }
  const ordersUrl = await database('orders_db', 'orders')
  const paymentsUrl = await database('payments_db', 'payments')
  if (isProfiling) await execute(ordersUrl, 'CREATE EXTENSION pg_stat_statements')
  const started = stack.move()
  return {
    ordersUrl,
    paymentsUrl,
    brokerUrl: broker.url,
    broker,
    database,
    pids: () => ({ postgres: postgres.pid, rabbitmq: broker.pid }),
    dir,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** Statements on a connection of their own; returns the rows of the last one. */
export async function execute<Row extends object>(
  connectionString: string,
  statements: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    const result = await client.query<Row>(statements, values)
    return [result].flat().at(-1)?.rows ?? []
  } finally {
    await client.end()
  }
}
