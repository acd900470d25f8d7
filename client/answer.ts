import type { ProblemDocument } from '#contracts/problem.ts'
import { mayPass, retryAfterMs } from './retry.ts'

/** An answer as it came, its body read. */
export interface Answer {
  status: number
  headers: Headers
  body: unknown
}

/**
 * A call that no API has answered: the connection failed, or what is in between has answered
 * instead.
 */
export class CallError extends Error {
  override readonly name: string = 'CallError'
  /** Of the answer; undefined when none came. */
  readonly status: number | undefined
  /** Whether the same call may succeed later. */
  readonly isTemporary: boolean
  /** How long the answer asks to wait; 0 when it does not. */
  readonly retryAfterMs: number

  constructor(message: string, answer?: Answer, cause?: unknown) {
    super(message, { cause })
    const retryAfter = answer?.headers.get('retry-after') ?? null
    this.status = answer?.status
    this.isTemporary = answer === undefined || mayPass({ status: answer.status, retryAfter })
    this.retryAfterMs = retryAfterMs(retryAfter)
  }
}

/** The API has answered with an error; the problem document says which one. */
export class ApiProblem extends CallError {
  override readonly name = 'ApiProblem'
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument, answer: Answer) {
    super(`${problem.title}: ${problem.detail}`, answer)
    this.problem = problem
  }
}

/** What is between us and the APIs may answer with anything. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The body of a success. Throws an ApiProblem for an error of the API, else a CallError. */
export function unwrap<T>(answer: Answer): T {
  const { status, body } = answer
  const isObject = typeof body === 'object' && body !== null
  if (isObject && status < 300) return body as T
  if (isObject && 'title' in body) throw new ApiProblem(body as ProblemDocument, answer)
  const shown = typeof body === 'string' ? body : JSON.stringify(body)
  throw new CallError(
    `An answer of ${status} that is not from the API: ${shown.slice(0, 200)}`,
    answer,
  )
}
