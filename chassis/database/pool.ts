import { createHash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'
import { isAnswer, translateError, unreachable } from './errors.ts'
import type { SessionClient } from './session.ts'

/**
 * A pool that translates every error, and never reuses a broken connection. PostgreSQL answers a
 * commit with success and a warning when it was told to wait for a standby no longer: here that is
 * a commit whose answer was lost.
 */
export function translated(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      try {
        return withTranslation(await pool.connect())
      } catch (error) {
        throw unreachable(error) // whatever the error is, no statement has caused it
      }
    },
  }
}

/** Kysely identifies a connection by its object: so each client keeps its wrapper. */
const wrappers = new WeakMap<pg.PoolClient, PostgresPoolClient>()

function withTranslation(client: pg.PoolClient): PostgresPoolClient {
  const known = wrappers.get(client)
  if (known) return known
  let broken = false
  let lost: unknown
  const query = async (text: string, values: readonly unknown[]) => {
    if (lost) throw unreachable(lost) // a ROLLBACK, too, must not wait for a second timeout
    try {
      const result = await client.query(prepared(text, values))
      if ((client as Partial<Pick<SessionClient, 'isUnreplicated'>>).isUnreplicated)
        throw new Error('a commit was answered that no standby has')
      return result
    } catch (error) {
      if (!isAnswer(error)) lost = error
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

/** Whether later statements of the connection would fail, too. */
const isBreaking = (error: unknown): boolean =>
  !isAnswer(error) || /^(0A000|26000)$/.test(error.code ?? '')

const names = new Map<string, string>()

/** Prepares a statement with parameters once per connection, so that PostgreSQL parses it once. */
function prepared(text: string, values: readonly unknown[]): pg.QueryConfig {
  if (values.length === 0) return { text }
  let name = names.get(text)
  if (!name) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 32)
    names.set(text, name)
  }
  return { name, text, values: [...values] }
}
