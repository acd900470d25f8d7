import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { type PageSession, validateCommandCall } from '#contracts/operator-page.ts'
import { readJson } from '#http/body.ts'
import { Problem } from '#http/problem.ts'
import { validated } from '#http/validation.ts'
import { authenticatedBy } from '#principal/authenticated.ts'
import type { Verify } from '#principal/verifier.ts'
import type { PageFile } from './files.ts'
import { assertOwnPage } from './own-page.ts'
import type { RunCommand } from './run-command.ts'

interface Page {
  verify: Verify
  run: RunCommand
  canAct: boolean
  /** Nobody says who calls: only a browser of this machine is let in. */
  isOpen: boolean
  files: ReadonlyMap<string, PageFile>
}

/** As that of the shop: everything from here, nothing inline. */
const policy = [
  ...["default-src 'self'", "connect-src 'self'", "object-src 'none'", "base-uri 'none'"],
  ...["form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

/**
 * The operator's page: its files, which everybody may read, and its calls, which only an operator
 * may make, from the page itself.
 */
export function pageRouter({ verify, run, canAct, isOpen, files }: Page): Router {
  const router = new Router({ sensitive: true, strict: true })
  const byOperator = authenticatedBy(verify, 'operator')
  const fromThePage: Middleware = (ctx, next) => {
    assertOwnPage(ctx.req, { isOpen })
    ctx.set('Cache-Control', 'no-store')
    return next()
  }
  router.get(
    '/operator/api/session',
    fromThePage,
    byOperator(async ({ userId }, ctx) => {
      ctx.body = { user_id: userId ?? null, can_act: canAct } satisfies PageSession
    }),
  )
  router.post(
    '/operator/api/:command',
    fromThePage,
    byOperator(async (operator, ctx) => {
      const call = validated(validateCommandCall, await readJson(ctx))
      const by = { userId: operator.userId, requestId: String(ctx.state.requestId) }
      ctx.body = await run(String(ctx.params.command), call, by)
    }),
  )
  router.get('/operator', (ctx) => ctx.redirect('/operator/'))
  router.get('/operator/{*place}', (ctx) => sendFile(ctx, files.get(ctx.params.place ?? '')))
  return router
}

function sendFile(ctx: Context, file: PageFile | undefined): void {
  if (!file) throw new Problem(404, 'The page has no such file.')
  ctx.set('Content-Security-Policy', policy)
  ctx.set('Cache-Control', 'no-cache')
  ctx.type = file.type
  ctx.body = file.content
}
