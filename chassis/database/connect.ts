import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { translated } from './pool.ts'

export interface DatabaseOptions {
  /** Who we are, in pg_stat_activity. */
  name: string
  url: string
  /** Most connections this process opens. */
  poolSize?: number
  /** For one who reads much at a time. */
  statementTimeoutMs?: number
}

/**
 * A lazy pool of connections: opening succeeds while the server is away.
 *
 * Every error that comes out is the server's own, or an AppError: `unavailable`, `timeout` or `conflict`,
 * see errors.ts. Each statement is bounded (5 s, if not told otherwise), so is a lock wait (2 s) and a
 * transaction that idles (10 s): a frozen process loses its locks, and its late commit fails.
 * Statements are prepared once per connection, under a name made of their text.
 */
export function connectDatabase<Tables>({
  name,
  url,
  poolSize = 10,
  statementTimeoutMs,
}: DatabaseOptions) {
  const pool = new pg.Pool({
    ...connectionOptions(name, url),
    ...(statementTimeoutMs === undefined ? byIndex : timeouts(statementTimeoutMs)),
    max: poolSize,
    idleTimeoutMillis: idleMs,
  })
  pool.on('error', () => {}) // an idle connection broke: the next query opens another
  pool.on('connect', (client) => client.on('error', () => {})) // one in use: its next query says so
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translated(pool) }) })
  return Object.assign(db, { close: () => db.destroy() })
}

export type Database<Tables> = Kysely<Tables>

/**
 * The plan of a prepared statement is kept. One that was made while its table was empty reads all of
 * it, and goes on doing so while the table grows, until autovacuum has looked at it: a minute or more
 * in which a burst of orders takes longer with each order. Every statement here has its index.
 */
const byIndex: pg.ClientConfig = { options: '-c enable_seqscan=off' }

/**
 * One that nobody needs is closed: sooner than a statement without an answer is given up (8 s). So on a
 * way that is half-open all are gone by then, or being tried, and not one after the other, each for 8 s.
 */
const idleMs = 6_000

const timeouts = (ms: number): pg.ClientConfig => ({
  statement_timeout: ms,
  query_timeout: ms + 3_000,
  idle_in_transaction_session_timeout: ms + 10_000,
})

/** What the pool and the listener's own connection share; parameters of the URL override it. */
export function connectionOptions(name: string, url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 2_000,
    keepAlive: true,
    statement_timeout: 5_000,
    query_timeout: 8_000,
    lock_timeout: 2_000,
    idle_in_transaction_session_timeout: 10_000,
  }
}
