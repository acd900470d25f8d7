import type { Context, Middleware } from 'koa'
import { bearerToken } from './bearer-token.ts'
import type { Principal, Scope } from './principal.ts'
import type { Verify } from './verifier.ts'

/**
 * Makes handlers of an API: each gets who calls first. Nothing is read or done before that is
 * known; `limit` throws a Problem for who calls too often.
 */
export const authenticatedBy =
  (verify: Verify, scope: Scope, limit?: (principal: Principal, ctx: Context) => Promise<void>) =>
  (handle: (principal: Principal, ctx: Context) => Promise<void>): Middleware =>
  async (ctx) => {
    const principal = await verify(() => bearerToken(ctx.req), scope)
    if (limit) await limit(principal, ctx)
    await handle(principal, ctx)
  }
