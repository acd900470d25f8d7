import type { Context, Middleware } from 'koa'
import type { HttpMetrics } from '#http/server.ts'
import { durationSeconds } from './buckets.ts'
import type { Metrics } from './metrics.ts'

/** One response, by the template of its route; undefined when no route took the request. */
interface Response {
  method: string
  route: string | undefined
  status: number
  ms: number
}

/** What a process serves at /metrics; `responded` is told of each response of an API. */
export const httpMetrics = (
  { exposition }: Metrics,
  responded?: (response: Response) => void,
): HttpMetrics => ({ page: metricsPage(exposition), measured: measured(responded) })

const path = '/metrics'

const metricsPage =
  (exposition: Metrics['exposition']): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== path) return next()
    const { contentType, text } = await exposition()
    ctx.set('Content-Type', contentType)
    ctx.body = text
  }

/** Measures the responses to everything but the own questions of operators. */
const measured =
  (responded: ((response: Response) => void) | undefined): Middleware =>
  async (ctx, next) => {
    const startMs = performance.now()
    await next()
    if (ctx.path === path || ctx.path === '/livez' || ctx.path === '/readyz') return
    const { method, status } = ctx
    responded?.({ method, route: routeOf(ctx), status, ms: performance.now() - startMs })
  }

/** As the router notes it. */
const routeOf = ({ _matchedRoute: route }: Context): string | undefined =>
  typeof route === 'string' ? route : undefined

/** Every other method is a value that a client has made up. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Measures the responses of an API. */
export function measureResponses(metrics: Metrics) {
  const duration = metrics.histogram(
    {
      name: 'http_server_request_duration_seconds',
      help: 'From a request to its response, by route template and status.',
      labels: ['http_request_method', 'http_route', 'http_response_status_code'],
    },
    durationSeconds,
  )
  return {
    responded: ({ method, route = '', status, ms }: Response) => {
      const labels = {
        http_request_method: methods.has(method) ? method : '_OTHER',
        http_route: route,
        http_response_status_code: String(status),
      }
      duration.observe(labels, ms / 1_000)
    },
  }
}
