import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Router from '@koa/router'
import helmet from 'helmet'
import Koa, { type Middleware } from 'koa'
import type { Logger } from '#chassis/logger.ts'
import type { Tracing } from '#tracing/tracing.ts'
import type { Health } from './health.ts'
import { Problem } from './problem.ts'
import { problems } from './problem-responses.ts'
import { writeErrorResponse } from './raw-error-response.ts'
import { requestId } from './request-id.ts'

export interface HttpOptions {
  host: string
  port: number
  health: Health
  logger: Logger
  /** The API, for a process that has one. */
  router?: Router
  tracing?: Pick<Tracing, 'middleware'> | undefined
  metrics?: HttpMetrics
}

/** What a process measures, from `metrics/`: around all requests, and the page at /metrics. */
export interface HttpMetrics {
  measured: Middleware
  page: Middleware
}

/**
 * Answers are data: a browser that shows one loads and runs nothing. No HSTS: these processes speak
 * plain HTTP, and only the proxy that terminates TLS knows whether the whole domain uses it.
 */
const policy = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } },
  strictTransportSecurity: false,
}

/** The headers of helmet. They are the same for each response, so helmet is asked once. */
function securityHeaders(): Middleware {
  const given = new Map<string, string>()
  const response = {
    setHeader: (name: string, value: string) => given.set(name, value),
    removeHeader: () => {},
  }
  helmet(policy)({} as IncomingMessage, response as unknown as ServerResponse, () => {})
  const headers = Object.fromEntries(given)
  return (ctx, next) => {
    ctx.set(headers)
    return next()
  }
}

/**
 * Serves the health and the metrics of a process, and its API if it has one. Resolves when the port
 * is bound.
 */
export async function serve({ host, port, health, logger, router, metrics, tracing }: HttpOptions) {
  const app = new Koa({ proxy: true, maxIpsCount: 1 })
  app.use(requestId(logger))
  if (tracing) app.use(tracing.middleware)
  if (metrics) app.use(metrics.measured)
  app.use(problems(logger))
  app.use(requireHost)
  app.use(health.middleware)
  if (metrics) app.use(metrics.page)
  app.use(securityHeaders())
  if (router) app.use(router.routes()).use(router.allowedMethods())
  app.on('error', (error) => logger.debug({ err: error }, 'a client has disconnected'))

  const server = createServer(parsing, app.callback())
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    writeErrorResponse(socket, unreadable(error.code))
  })
  // RFC 9110 (10.1.1) leaves it to the server. Node would answer 417 past the app.
  server.on('checkExpectation', (...asked) => server.emit('request', ...asked))
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 75_000 // longer than the gateway's, so that the gateway closes first
  server.listen(port, host)
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  logger.info({ host, port: bound }, 'listening')
  return { server, close: () => drain(server) }
}

/** What Node itself checks of a request; a missing Host is left to `requireHost`. */
const parsing = { maxHeaderSize: 65_536, requireHostHeader: false }

/** RFC 9112 (3.2). Node would answer 400 past the app, without a problem. */
const requireHost: Middleware = ({ req }, next) => {
  if (req.headers.host !== undefined || req.httpVersion !== '1.1') return next()
  throw new Problem(400, 'The request has no Host.')
}

/** For requests that are not valid HTTP; nginx in front of us lets few of them through. */
function unreadable(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, 'The headers are over 64 KiB.')
  return new Problem(400, 'The request is not well-formed HTTP.')
}

/**
 * Accepts no more connections, answers requests in progress, and closes connections when they
 * become idle.
 */
async function drain(server: Server): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), 100)
  server.on('request', (_request, response) => response.setHeader('Connection', 'close'))
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
  clearInterval(sweep)
}
