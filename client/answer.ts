import type { ProblemDocument } from '#contracts/problem.ts'

/** An answer as it came, its body read. */
export interface Answer {
  status: number
  headers: Headers
  body: unknown
}

/** The answer is an error; the problem document says which one. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument) {
    super(`${problem.title}: ${problem.detail}`)
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

/** The body of a success. Throws an ApiProblem for a refusal, and an Error for what no API has said. */
export function unwrap<T>({ status, body }: Answer): T {
  const isObject = typeof body === 'object' && body !== null
  if (isObject && status < 300) return body as T
  if (isObject && 'title' in body) throw new ApiProblem(body as ProblemDocument)
  const shown = typeof body === 'string' ? body : JSON.stringify(body)
  throw new Error(`An answer of ${status} that is not from the API: ${shown.slice(0, 200)}`)
}
