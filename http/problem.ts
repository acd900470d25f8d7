import { classify, type FailureClass } from '#chassis/errors.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import {
  type ProblemStatus,
  type ProblemType,
  problemHead,
  problemKinds,
  problemTypeOf,
} from '#contracts/problem-types.ts'

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
