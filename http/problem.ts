import type { Context, Middleware } from 'koa'
import type { ProblemDocument } from '#contracts/problem.ts'
import {
  type ProblemStatus,
  type ProblemType,
  problemHead,
  problemKinds,
  problemTypeOf,
} from '#contracts/problem-types.ts'
import { classify, type FailureClass } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { Outage } from '../outage.ts'

export interface FieldError {
  /** JSON pointer to the invalid field. */
  pointer: string
  message: string
}

/** The optional fields of a problem. */
interface ProblemFields {
  errors?: FieldError[]
  /** How many errors are not among `errors`. */
  moreErrors?: number
  headers?: Record<string, string>
}

/**
 * An error for the caller, as application/problem+json (RFC 9457). Its type is given, or is the
 * only one of a status.
 */
export class Problem extends Error {
  readonly type: ProblemType
  readonly status: ProblemStatus
  readonly headers: Record<string, string>
  readonly errors: FieldError[] | undefined
  readonly moreErrors: number

  constructor(
    kind: ProblemType | ProblemStatus,
    detail: string,
    { errors, moreErrors = 0, headers = {} }: ProblemFields = {},
  ) {
    super(detail)
    this.type = problemTypeOf(kind)
    this.status = problemKinds[this.type].status
    this.errors = errors
    this.moreErrors = moreErrors
    this.headers = headers
  }
}

/** The document of a problem; `instance` is the id of the request, which the logs have, too. */
export const documentOf = (
  { type, message, errors, moreErrors }: Problem,
  instance: string,
): ProblemDocument => ({
  ...problemHead(type),
  detail: message,
  instance,
  ...(errors && { errors }),
  ...(moreErrors > 0 && { more_errors: moreErrors }),
})

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
      ctx.body = JSON.stringify(documentOf(problem, ctx.state.requestId))
      ctx.type = 'application/problem+json'
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

/** The answer to a failure that is no Problem; ARCHITECTURE.md has the same table. */
export const onFailure: Record<FailureClass, 503 | 500> = {
  unavailable: 503,
  slow: 503,
  locked: 503,
  conflict: 503,
  fault: 500,
}

/** What a caller is told about any error. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (onFailure[classify(error)] === 503) {
    return new Problem(
      503,
      'The service is temporarily unavailable. The request may or may not have taken effect: repeat it with the same Idempotency-Key.',
      { headers: { 'Retry-After': '1' } },
    )
  }
  return new Problem(
    500,
    'An internal error occurred. The logs have its cause under the request id.',
  )
}
