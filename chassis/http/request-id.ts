import type { Middleware } from 'koa'
import type { Logger } from '../logger.ts'

/**
 * Names each request: by the gateway's X-Request-Id when it looks like one, else by a new UUID. The
 * id is in the answer, in problem documents (`instance`) and in the logs.
 */
export const requestId =
  (logger: Logger): Middleware =>
  async (ctx, next) => {
    const given = ctx.get('X-Request-Id')
    const id = /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : crypto.randomUUID()
    ctx.state.requestId = id
    ctx.set('X-Request-Id', id)
    await next()
    logger.debug({ request_id: id, method: ctx.method, path: ctx.path, status: ctx.status })
  }
