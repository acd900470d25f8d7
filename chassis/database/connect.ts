import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { translated } from './pool.ts'
import { SessionClient, type SessionConfig } from './session.ts'

export interface DatabaseOptions {
  /** The name of the connections in pg_stat_activity. */
  name: string
  url: string
  /** Connections that this process opens at most. */
  poolSize?: number
  /** For long reads. */
  statementTimeoutMs?: number
  /** For work that can continue without a locked row. */
  lockTimeoutMs?: number
}

/** Connections of a pool, by what the process is. */
export const poolSizes = { api: 20, worker: 10 }

/** A process that listens has a connection for that, and one to test it. */
export const listenConnections = 2

/**
 * A lazy pool of connections: opening succeeds while the server is away.
 *
 * Every error that comes out is the server's own, or an EnvironmentError: `unavailable`, `slow`,
 * `locked` or `conflict`, see errors.ts. Each session states what it relies on, see session.ts: a
 * statement is bounded (5 s, if not told otherwise), so is a lock wait (2 s) and a transaction that
 * idles (10 s). Statements are prepared once per connection, under a name made of their text.
 */
export function connectDatabase<Tables>({
  name,
  url,
  poolSize = poolSizes.worker,
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
  const poolUse = (): PoolUse => {
    const { totalCount, idleCount, waitingCount } = pool
    return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount, max: poolSize }
  }
  return Object.assign(db, { close: () => db.destroy(), poolUse })
}

/** The connections of a pool, and the callers that wait for one. */
export interface PoolUse {
  used: number
  idle: number
  waiting: number
  max: number
}

/** What `connectDatabase` has opened. */
export interface Pooled {
  poolUse: () => PoolUse
}

export type Database<Tables> = Kysely<Tables>

/** A database or a transaction, whatever its tables. */
export type Queryable = Pick<Kysely<unknown>, 'getExecutor'>

/** A transaction, whatever its tables. */
export type InTransaction = Pick<Transaction<unknown>, 'getExecutor' | 'isTransaction'>

/**
 * Idle timeout 6 s, below the query timeout 8 s, so a half-open pool empties at once: otherwise
 * each connection would cost a query timeout of its own.
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
