import type { Context } from 'koa'
import { Problem } from '#http/problem.ts'
import type { IdempotentResponse } from './stored-response.ts'

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

/** Sends a response; the header `Idempotent-Replayed` marks a replay. */
export function sendIdempotentResponse(
  ctx: Context,
  { status, json, replayed }: IdempotentResponse<unknown>,
): void {
  ctx.status = status
  ctx.type = 'application/json'
  ctx.body = json
  if (replayed) ctx.set('Idempotent-Replayed', 'true')
}
