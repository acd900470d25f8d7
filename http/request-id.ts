import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import type { Logger } from '#chassis/logger.ts'

/** The X-Request-Id of the gateway, if it is valid. */
export function givenRequestId({ headers }: IncomingMessage): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined
}

/**
 * Gives each request an id: the valid X-Request-Id of the gateway, or a new UUID. The id is in the
 * response, in problem documents (`instance`) and in the logs.
 */
export const requestId =
  (logger: Logger): Middleware =>
  async (ctx, next) => {
    const id = givenRequestId(ctx.req) ?? crypto.randomUUID()
    ctx.state.requestId = id
    ctx.set('X-Request-Id', id)
    await next()
    logger.debug({ request_id: id, method: ctx.method, path: ctx.path, status: ctx.status })
  }
