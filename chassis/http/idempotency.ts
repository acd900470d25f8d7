import type { Context } from 'koa'
import { Problem } from './problem.ts'

/** An answer with its body as text, so that it can be repeated byte for byte. */
export interface Answer {
  status: number
  body: string
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

/** Puts an answer on the wire, and whether it was given before. */
export function send(ctx: Context, { status, body, replayed }: Answer & { replayed: boolean }) {
  ctx.status = status
  ctx.type = 'application/json'
  ctx.body = body
  if (replayed) ctx.set('Idempotent-Replayed', 'true')
}
