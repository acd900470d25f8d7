import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'
import { isAnswer, translateError, unreachable } from './errors.ts'

/** When the last statement of a pool began that got no answer. */
interface Silence {
  sinceMs: number
}

/** One connection. */
interface Link {
  wrapper: PostgresPoolClient
  /** When the server was last heard on it. */
  heardAtMs: number
}

/**
 * A pool whose every error is translated, and whose broken connections are not used again. Where one got
 * no answer, those on which nothing was heard since are given up with it: on a half-open way each of
 * them would cost a time-out of its own.
 */
export function translated(pool: pg.Pool): PostgresPool {
  const silence: Silence = { sinceMs: Number.NEGATIVE_INFINITY }
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      try {
        return await connectHeard(pool, silence)
      } catch (error) {
        throw unreachable(error) // whatever the server says: not a statement of ours was at fault
      }
    },
  }
}

/** A new connection is heard, so this ends. */
async function connectHeard(pool: pg.Pool, silence: Silence): Promise<PostgresPoolClient> {
  for (;;) {
    const client = await pool.connect()
    const { heardAtMs, wrapper } = linkOf(client, silence)
    if (heardAtMs >= silence.sinceMs) return wrapper
    client.release(true)
    // Its goodbye would wait for an answer, too.
    const { connection } = client as unknown as { connection: { stream: Socket } }
    connection.stream.destroy()
  }
}

/** Kysely remembers a connection by its object: one wrapper for each client, for its whole life. */
const links = new WeakMap<pg.PoolClient, Link>()

function linkOf(client: pg.PoolClient, silence: Silence): Link {
  const known = links.get(client)
  if (known) return known
  let broken = false
  let lost: unknown
  const query = async (text: string, values: readonly unknown[]) => {
    if (lost) throw unreachable(lost) // not even a ROLLBACK waits for a second time-out
    const askedAtMs = performance.now()
    try {
      const result = await client.query(prepared(text, values))
      link.heardAtMs = performance.now()
      return result
    } catch (error) {
      if (isAnswer(error)) link.heardAtMs = performance.now()
      else {
        lost = error
        silence.sinceMs = Math.max(silence.sinceMs, askedAtMs)
      }
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
  const link: Link = { wrapper, heardAtMs: performance.now() }
  links.set(client, link)
  return link
}

/** No answer, or an answer that every later statement of this connection would get too. */
const isBreaking = (error: unknown): boolean =>
  !isAnswer(error) || /^(0A000|26000)$/.test(error.code ?? '')

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
