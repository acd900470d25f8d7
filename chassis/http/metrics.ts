import type { Context, Middleware } from 'koa'

/** What a process measures. `metrics/` makes one; the chassis knows no library for it. */
export interface HttpMetrics {
  /** The page at /metrics. Never rejects, and takes a few seconds at most. */
  exposition: () => Promise<{ contentType: string; text: string }>
  /** Called after each response of an API; must not throw. */
  responded?: (response: MeasuredResponse) => void
}

/** One response, by the template of its route; undefined when no route took the request. */
export interface MeasuredResponse {
  method: string
  route: string | undefined
  status: number
  ms: number
}

const path = '/metrics'

/** `/metrics`: everything that the process measures. Nothing is there without metrics. */
export const metricsPage =
  (metrics: HttpMetrics | undefined): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== path || !metrics) return next()
    const { contentType, text } = await metrics.exposition()
    ctx.set('Content-Type', contentType)
    ctx.body = text
  }

/** Measures the responses to everything but the own questions of operators. */
export const measured =
  (metrics: HttpMetrics | undefined): Middleware =>
  async (ctx, next) => {
    const startMs = performance.now()
    await next()
    if (ctx.path === path || ctx.path === '/livez' || ctx.path === '/readyz') return
    const { method, status } = ctx
    const ms = performance.now() - startMs
    metrics?.responded?.({ method, route: routeOf(ctx), status, ms })
  }

/** As the router notes it. */
const routeOf = ({ _matchedRoute: route }: Context): string | undefined =>
  typeof route === 'string' ? route : undefined
