import type { Middleware } from 'koa'
import { AppError } from '../errors.ts'
import type { Logger } from '../logger.ts'

export interface FieldError {
  /** JSON pointer to what is wrong. */
  pointer: string
  message: string
}

/** An error that is meant for the caller, as application/problem+json (RFC 9457). */
export class Problem extends Error {
  readonly status: number
  readonly headers: Record<string, string>
  readonly errors: FieldError[] | undefined

  constructor(
    status: keyof typeof kinds,
    detail: string,
    { errors, headers = {} }: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail)
    this.status = status
    this.errors = errors
    this.headers = headers
  }
}

/** One row per status: its type (a relative URI) and its title. */
const kinds = {
  400: ['bad-request', 'The request cannot be read'],
  403: ['forbidden', 'This is not allowed'],
  404: ['not-found', 'There is nothing here'],
  405: ['method-not-allowed', 'This method is not allowed here'],
  409: ['conflict', 'This is in conflict with what is there'],
  413: ['payload-too-large', 'The body is too large'],
  415: ['unsupported-media-type', 'The body is not application/json'],
  431: ['headers-too-large', 'The headers are too large'],
  422: ['invalid', 'The request is not valid'],
  500: ['internal', 'Internal error'],
  503: ['unavailable', 'Not available at the moment'],
} as const

/** The document of a problem; `instance` is the id of the request, to be found in the logs. */
export function documentOf(problem: Problem, instance: string) {
  const [slug, title] = kinds[problem.status as keyof typeof kinds]
  return {
    type: `/problems/${slug}`,
    title,
    status: problem.status,
    detail: problem.message,
    instance,
    ...(problem.errors && { errors: problem.errors }),
  }
}

/**
 * Turns whatever was thrown, or not answered at all, into a problem document. First in the chain,
 * so that nothing escapes it. What is neither a Problem nor an outage is shown without internals.
 */
export const problems =
  (logger: Logger): Middleware =>
  async (ctx, next) => {
    try {
      await next()
      if (ctx.body === undefined || ctx.body === null) refuse(ctx.status, ctx.method)
    } catch (error) {
      const problem = toProblem(error)
      if (problem.status >= 500) logger.error({ err: error, request_id: ctx.state.requestId })
      ctx.status = problem.status
      ctx.set(problem.headers)
      ctx.body = JSON.stringify(documentOf(problem, ctx.state.requestId))
      ctx.type = 'application/problem+json'
    }
  }

/** Routes that were not found, or not with this method (`Allow` is set by the router). */
function refuse(status: number, method: string): void {
  if (status === 404) throw new Problem(404, 'There is nothing at this address.')
  if (status === 405 || status === 501) {
    throw new Problem(405, `${method} is not allowed here; see the header Allow.`)
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof AppError) {
    return new Problem(
      503,
      'What this needs cannot be reached or is too busy. A change may or may not have taken effect: repeat the request, with the same Idempotency-Key.',
      { headers: { 'Retry-After': '1' } },
    )
  }
  return new Problem(500, 'Something went wrong on our side; the request id names it in the logs.')
}
