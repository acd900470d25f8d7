import type { Context, Middleware } from 'koa'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { documentOf, Problem, toProblem } from './problem.ts'

/**
 * Turns every error, and a request without an answer, into a problem document. First middleware, so
 * that no error escapes. An error that is neither a Problem nor an outage is shown without
 * internals.
 */
export const problems =
  (logger: Logger, report = reporting(logger)): Middleware =>
  async (ctx, next) => {
    try {
      await next()
      if (ctx.body === undefined || ctx.body === null) assertRouted(ctx)
      if (ctx._matchedRoute) report.answered() // of the API, not a question for the health
    } catch (error) {
      const problem = toProblem(error)
      if (problem.status === 503) report.refused(error)
      else if (problem.status >= 500) logger.error({ err: error, request_id: ctx.state.requestId })
      ctx.status = problem.status
      ctx.set(problem.headers)
      ctx.type = 'application/problem+json'
      ctx.body = JSON.stringify(documentOf(problem, ctx.state.requestId))
    }
  }

/** Under load some requests are refused and others are not: that is one outage. */
const quietMs = 5_000

/**
 * An outage makes every request fail: it is logged when it begins, every minute, and when no
 * request was refused for a while. Each refused request has its id in the answer, and in the log of
 * the gateway.
 */
function reporting(logger: Logger) {
  const outage = new Outage({ logger, what: 'requests are answered with 503' })
  let refusedAtMs = 0
  return {
    refused: (error: unknown) => {
      refusedAtMs = performance.now()
      outage.failed(error)
    },
    answered: () => {
      if (!outage.isOver && performance.now() - refusedAtMs > quietMs) outage.over()
    },
  }
}

/**
 * Throws when no route has this path, or this method. The router sets `Allow`: to nothing where it
 * knows neither.
 */
function assertRouted({ status, method, response }: Context): void {
  const isRefused = status === 405 || status === 501
  if (status === 404 || (isRefused && response.get('Allow') === '')) {
    throw new Problem(404, 'No resource exists at this path.')
  }
  if (isRefused)
    throw new Problem(405, `This path does not support ${method}; see the Allow header.`)
}
