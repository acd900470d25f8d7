import { createHash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import pg from 'pg'
import { AppError } from '../errors.ts'

/**
 * What PostgreSQL's SQLSTATE means to a caller; the classes are those of its manual, appendix A.
 * Not listed: a fault of the statement or its data, which no repetition mends.
 */
const unavailable = [
  /^08/, // connection exception
  /^28/, // not let in (yet)
  /^53/, // insufficient resources: disk full, too many connections
  /^57P/, // operator intervention: shutdown, crash, starting up
  /^58/, // system error
  /^25P0[34]$/, // idle or transaction time-out: our session was ended
  /^25006$/, // read-only: a standby, or a disk about to be full
  /^42501$|^3F000$|^42704$|^42883$/, // not granted, no such schema, type or function (yet)
  /^3D000$/, // no such database (yet)
  /^42P01$|^42703$/, // no such table or column: migrations have not run yet
  /^0A000$|^26000$/, // a prepared statement that a migration has outlived
]
const timeout = /^(57014|55P03)$/ // a statement, or the wait for a lock, took too long
const conflict = /^(40001|40P01|23505)$/ // serialization failure, deadlock, unique key taken

/**
 * Puts an error of pg into our words. What is not an answer of the server is a lost or refused
 * connection, so it is `unavailable` too. The original is the cause.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (!(error instanceof pg.DatabaseError)) return unreachable(error)
  const code = error.code ?? ''
  if (unavailable.some((pattern) => pattern.test(code))) {
    return new AppError('unavailable', 'The database cannot do this now', { cause: error })
  }
  if (timeout.test(code)) {
    return new AppError('timeout', 'The database took too long', { cause: error })
  }
  if (conflict.test(code)) {
    return new AppError('conflict', 'Another transaction was in the way', { cause: error })
  }
  return error
}

/** A pool whose every error is translated, and whose broken connections are not used again. */
export function translated(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      try {
        return withTranslation(await pool.connect())
      } catch (error) {
        throw unreachable(error) // whatever the server says: not a statement of ours was at fault
      }
    },
  }
}

const unreachable = (cause: unknown) =>
  new AppError('unavailable', 'The database cannot be reached', { cause })

/** Kysely remembers a connection by its object: one wrapper for each client, for its whole life. */
const wrappers = new WeakMap<pg.PoolClient, PostgresPoolClient>()

function withTranslation(client: pg.PoolClient): PostgresPoolClient {
  const known = wrappers.get(client)
  if (known) return known
  let broken = false
  const query = async (text: string, values: readonly unknown[]) => {
    try {
      return await client.query(prepared(text, values))
    } catch (error) {
      broken ||= isBreaking(error)
      throw translateError(error)
    }
  }
  const wrapper = {
    query: query as unknown as <R>(
      text: string,
      values: readonly unknown[],
    ) => Promise<PostgresQueryResult<R>>,
    release: (destroy?: boolean) => client.release(destroy || broken),
  } as PostgresPoolClient
  wrappers.set(client, wrapper)
  return wrapper
}

/** No answer, or an answer that every later statement of this connection would get too. */
const isBreaking = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || /^(0A000|26000)$/.test(error.code ?? '')

const names = new Map<string, string>()

/** A statement with parameters is prepared once per connection; PostgreSQL then skips parsing it. */
function prepared(text: string, values: readonly unknown[]): pg.QueryConfig {
  if (values.length === 0) return { text }
  let name = names.get(text)
  if (!name) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 32)
    names.set(text, name)
  }
  return { name, text, values: [...values] }
}
