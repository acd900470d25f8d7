import { type Attributes, SpanKind, type Tracer } from '@opentelemetry/api'
import type { Context } from 'koa'
import { setFailed } from './batch.ts'
import { parentOf, runWithin, traceparentOf } from './contexts.ts'
import type { Tracing } from './tracing.ts'

/** Asked every few seconds, and no part of any order. */
const probes = new Set(['/livez', '/readyz', '/metrics'])

/** Others that Node reads, such as PROPFIND, are one method to the conventions. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])

/** A SERVER span for each request, by the stable HTTP conventions. */
export const tracedRequests =
  (tracer: Tracer): Tracing['middleware'] =>
  async (ctx, next) => {
    if (probes.has(ctx.path)) return next()
    const parent = parentOf(ctx.get('traceparent'))
    const method = methods.has(ctx.method) ? ctx.method : '_OTHER'
    const options = { kind: SpanKind.SERVER, attributes: attributesOf(ctx, method) }
    const span = tracer.startSpan(method === '_OTHER' ? 'HTTP' : method, options, parent)
    ctx.req.headers.traceparent = traceparentOf(span.spanContext())
    try {
      await runWithin(span.spanContext(), next)
    } finally {
      const route = routeOf(ctx)
      if (route) span.updateName(`${method} ${route}`).setAttribute('http.route', route)
      span.setAttribute('http.response.status_code', ctx.status)
      if (ctx.status >= 500) setFailed(span, String(ctx.status))
      span.end()
    }
  }

const attributesOf = ({ path, protocol, state }: Context, method: string): Attributes => ({
  'http.request.method': method,
  'url.path': path,
  'url.scheme': protocol,
  'orders_payments.request.id': state.requestId,
})

/** As the OpenAPI documents write it: `/orders/{order_id}`. */
function routeOf({ _matchedRoute }: Context & { _matchedRoute?: unknown }): string | undefined {
  return typeof _matchedRoute === 'string' ? _matchedRoute.replace(/:(\w+)/g, '{$1}') : undefined
}
