import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { parseJson } from './json.ts'
import { Problem } from './problem.ts'

const maxBytes = 65_536
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The JSON in a request's body, its numbers exact. Throws the Problem that says what is wrong. */
export async function readJson(ctx: Context): Promise<unknown> {
  const charset = ctx.request.charset.toLowerCase()
  const plain = ctx.is('application/json') && ['', 'utf-8', 'utf8'].includes(charset)
  if (!plain || ctx.get('Content-Encoding')) {
    throw new Problem(
      415,
      'Send a body of Content-Type: application/json, in UTF-8, not compressed.',
    )
  }
  const bytes = await readBytes(ctx)
  try {
    return parseJson(utf8.decode(bytes))
  } catch (error) {
    throw new Problem(400, `The body is not JSON: ${(error as Error).message}`)
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
