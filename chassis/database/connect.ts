import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { translated } from './pool.ts'
import { SessionClient, type SessionConfig } from './session.ts'

export interface DatabaseOptions {
  /** The name of the connections in pg_stat_activity. */
  name: string
  url: string
  /** The maximum number of connections. */
  poolSize?: number
  /** For statements that read much. */
  statementTimeoutMs?: number
  /** For statements that can continue without a locked row. */
  lockTimeoutMs?: number
}

/**
 * A lazy pool of connections: opening succeeds while the server is away.
 *
 * Every error is the server's own, or an AppError: `unavailable`, `slow`, `locked` or `conflict`,
 * see errors.ts. Each session sets what the code relies on, see session.ts: timeouts for a
 * statement (5 s by default), for a lock (2 s) and for an idle transaction (10 s). Statements are
 * prepared once per connection, under a hash of their text.
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
    ...(statementTimeoutMs !== undefined && longStatements(statementTimeoutMs)),
    ...(lockTimeoutMs !== undefined && { settings: { lock_timeout: String(lockTimeoutMs) } }),
    Client: SessionClient,
    max: poolSize,
    idleTimeoutMillis: idleMs,
  })
  pool.on('error', () => {}) // an idle connection was lost: the next query opens another one
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translated(pool) }) })
  return Object.assign(db, { close: () => db.destroy() })
}

export type Database<Tables> = Kysely<Tables>

/** A database or a transaction, whatever its tables. */
export type Queryable = Pick<Kysely<unknown>, 'getExecutor'>

/** A transaction, whatever its tables. */
export type InTransaction = Pick<Transaction<unknown>, 'getExecutor' | 'isTransaction'>

/**
 * An idle connection is closed after less than the query timeout (8 s). So on a half-open network
 * path the connections time out at the same time, and not one after the other, each after 8 s.
 */
const idleMs = 6_000

const longStatements = (ms: number): SessionConfig => ({
  query_timeout: ms + 3_000,
  settings: {
    statement_timeout: String(ms),
    idle_in_transaction_session_timeout: String(ms + 10_000),
    enable_seqscan: 'on',
  },
})

/**
 * The options of the pool and of the listener's connection; parameters of the URL override them.
 */
export function connectionOptions(name: string, url: string): SessionConfig {
  return {
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 2_000,
    keepAlive: true,
    query_timeout: 8_000,
  }
}
