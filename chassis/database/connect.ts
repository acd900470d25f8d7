import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { translated } from './pool.ts'
import { SessionClient, type SessionConfig } from './session.ts'

export interface DatabaseOptions {
  /** Who we are, in pg_stat_activity. */
  name: string
  url: string
  /** Most connections this process opens. */
  poolSize?: number
  /** For one who reads much at a time. */
  statementTimeoutMs?: number
  /** For one who can do without what somebody else has locked. */
  lockTimeoutMs?: number
}

/**
 * A lazy pool of connections: opening succeeds while the server is away.
 *
 * Every error that comes out is the server's own, or an AppError: `unavailable`, `slow`, `locked` or
 * `conflict`, see errors.ts. Each session states what it relies on, see session.ts: a statement is bounded
 * (5 s, if not told otherwise), so is a lock wait (2 s) and a transaction that idles (10 s).
 * Statements are prepared once per connection, under a name made of their text.
 */
export function connectDatabase<Tables>({
  name,
  url,
  poolSize = 10,
  statementTimeoutMs,
  lockTimeoutMs,
}: DatabaseOptions) {
  const pool = new pg.Pool({
    ...connectionOptions(name, url),
    ...(statementTimeoutMs !== undefined && readingMuch(statementTimeoutMs)),
    ...(lockTimeoutMs !== undefined && { settings: { lock_timeout: String(lockTimeoutMs) } }),
    Client: SessionClient,
    max: poolSize,
    idleTimeoutMillis: idleMs,
  })
  pool.on('error', () => {}) // an idle connection broke: the next query opens another
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translated(pool) }) })
  return Object.assign(db, { close: () => db.destroy() })
}

export type Database<Tables> = Kysely<Tables>

/** What a statement runs on, whatever else is in the database: a database or a transaction. */
export type Queryable = Pick<Kysely<unknown>, 'getExecutor'>

/** Likewise, but only a transaction. */
export type InTransaction = Pick<Transaction<unknown>, 'getExecutor' | 'isTransaction'>

/**
 * One that nobody needs is closed: sooner than a statement without an answer is given up (8 s). So on a
 * way that is half-open all are gone by then, or being tried, and not one after the other, each for 8 s.
 */
const idleMs = 6_000

const readingMuch = (ms: number): SessionConfig => ({
  query_timeout: ms + 3_000,
  settings: {
    statement_timeout: String(ms),
    idle_in_transaction_session_timeout: String(ms + 10_000),
    enable_seqscan: 'on',
  },
})

/** What the pool and the listener's own connection share; parameters of the URL override it. */
export function connectionOptions(name: string, url: string): SessionConfig {
  return {
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 2_000,
    keepAlive: true,
    query_timeout: 8_000,
  }
}
