import { createHash } from 'node:crypto'
import type { Context } from 'koa'
import type { Transaction } from 'kysely'
import type { Database } from '../database/connect.ts'
import { Problem } from './problem.ts'
import { findAnswer, insertAnswer, lockKey, type WithIdempotencyKeys } from './rows.ts'

/** An answer with its body as text, so that it can be repeated byte for byte. */
export interface Answer {
  status: number
  body: string
}

export interface Call {
  userId: string
  /** Method and route: a key belongs to one call of one user. */
  call: string
  key: string | undefined
  /** What the request means, after validation: `10` and `"10.00"` are the same request. */
  meaning: unknown
}

/**
 * The Idempotency-Key of a request: 1 to 255 printable characters, bare or as a quoted string
 * (RFC 8941), which mean the same. Throws a Problem (400) when it is malformed.
 *
 * Source: draft-ietf-httpapi-idempotency-key-header-07.
 */
export function idempotencyKeyOf(ctx: Context): string | undefined {
  const values = ctx.req.headersDistinct['idempotency-key']
  if (!values) return undefined
  const [value = ''] = values
  const key = /^"(?:[^"\\]|\\["\\])*"$/.test(value)
    ? value.slice(1, -1).replace(/\\(["\\])/g, '$1')
    : value
  const bare = !value.startsWith('"') || key !== value
  if (values.length === 1 && bare && /^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw new Problem(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters, once.')
}

/**
 * Runs an effect in a transaction, once per key: the answer is stored with the effect, and the same
 * key with the same meaning gets it again. Only an effect is remembered: when it throws, the key is
 * free. Throws a Problem: 422 for another meaning, 409 while the first is still running.
 */
export async function once<Tables extends WithIdempotencyKeys>(
  db: Database<Tables>,
  { userId, call, key, meaning }: Call,
  effect: (trx: Transaction<Tables>) => Promise<Answer>,
): Promise<Answer & { replayed: boolean }> {
  return db.transaction().execute(async (trx) => {
    if (key === undefined) return { ...(await effect(trx)), replayed: false }

    const keys = trx as unknown as Transaction<WithIdempotencyKeys>
    const owner = { user_id: userId, call, key }
    const fingerprint = createHash('sha256').update(JSON.stringify(meaning)).digest('hex')
    if (!(await lockKey(keys, owner))) {
      throw new Problem(409, 'The first request with this Idempotency-Key is still running.', {
        headers: { 'Retry-After': '1' },
      })
    }
    const earlier = await findAnswer(keys, owner)
    if (earlier && earlier.fingerprint !== fingerprint) {
      throw new Problem(422, 'This Idempotency-Key was used for another request.')
    }
    if (earlier) {
      return { status: earlier.response_status, body: earlier.response_body, replayed: true }
    }
    const answer = await effect(trx)
    const stored = { response_status: answer.status, response_body: answer.body }
    await insertAnswer(keys, owner, { fingerprint, ...stored })
    return { ...answer, replayed: false }
  })
}

/** Puts an answer of `once` on the wire. */
export function send(ctx: Context, { status, body, replayed }: Answer & { replayed: boolean }) {
  ctx.status = status
  ctx.type = 'application/json'
  ctx.body = body
  if (replayed) ctx.set('Idempotent-Replayed', 'true')
}
