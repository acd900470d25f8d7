import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { JsonNumber, parseJson } from '#contracts/exact-json.ts'
import { Problem } from './problem.ts'

const maxBytes = 65_536
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON in a request's body. A number in it is a `JsonNumber`, which keeps the digits that were
 * sent: no amount passes through a float. Throws a Problem: 400 (no JSON, or a key twice), 413
 * (over 64 KiB) or 415 (no JSON by its Content-Type, or encoded).
 */
export async function readJson(ctx: Context): Promise<unknown> {
  requireJson(ctx)
  return parseBody(await readBytes(ctx))
}

/** The same where a body may be left out, which means `{}`. */
export async function readOptionalJson(ctx: Context): Promise<unknown> {
  const bytes = await readBytes(ctx)
  if (bytes.length === 0) return {}
  requireJson(ctx)
  return parseBody(bytes)
}

function parseBody(bytes: Buffer): unknown {
  try {
    const value = parseJson(utf8.decode(bytes))
    return value instanceof JsonNumber ? Number(value.text) : value
  } catch (error) {
    if (error instanceof RangeError) throw new Problem(400, 'The body is nested too deeply.')
    throw new Problem(400, `The body is not JSON: ${(error as Error).message}`)
  }
}

/** Media types and codings are compared as HTTP does: in any case, with any parameters. */
function requireJson(ctx: Context): void {
  const charset = ctx.request.charset.toLowerCase()
  const isJson = ctx.request.type.trim().toLowerCase() === 'application/json'
  if (!isJson || !['', 'utf-8', 'utf8'].includes(charset)) {
    const headers = { Accept: 'application/json' }
    throw new Problem(415, 'Send a body of Content-Type: application/json, in UTF-8.', { headers })
  }
  const codings = ctx.get('Content-Encoding').split(',')
  if (codings.some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase()))) {
    const headers = { 'Accept-Encoding': 'identity' }
    throw new Problem(415, 'Send the body as it is, without a Content-Encoding.', { headers })
  }
}

async function readBytes(ctx: Context): Promise<Buffer> {
  try {
    return await getRawBody(ctx.req, { length: ctx.request.length, limit: maxBytes })
  } catch (error) {
    if ((error as { type?: string }).type === 'entity.too.large') {
      throw new Problem(413, `The body may have ${maxBytes} bytes at most.`)
    }
    throw new Problem(400, 'The body ended early.')
  }
}
