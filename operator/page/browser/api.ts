import type { CommandAnswer, CommandCall, PageSession } from '#contracts/operator-page.ts'
import type { ProblemDocument } from '#contracts/problem.ts'

/** A call without an answer, or with a problem; the message is for the operator. */
export class CallFailure extends Error {
  /** Undefined: there was no answer, and nobody knows whether the call had its effect. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

let token = ''

/** The token of all later calls; empty for none. In the memory of this tab alone. */
export function useToken(given: string): void {
  token = given
}

export const readSession = (): Promise<PageSession> => call('session', { method: 'GET' })

/** Runs a command of the command line; `dlq-list` is `dlq list`. */
export const run = <Result>(
  command: string,
  { arguments: names = [], options = {} }: Partial<CommandCall> = {},
): Promise<CommandAnswer<Result>> =>
  call(command, {
    method: 'POST',
    body: JSON.stringify({ arguments: names, options } satisfies CommandCall),
  })

async function call<Answer>(name: string, init: RequestInit): Promise<Answer> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  if (token) headers.Authorization = `Bearer ${token}`
  const response = await fetch(`api/${name}`, { ...init, headers }).catch(() => {
    throw new CallFailure('The process of this page does not answer: is it running?')
  })
  const answer: unknown = await response.json().catch(() => {
    throw new CallFailure('The answer was cut off.')
  })
  if (response.ok) return answer as Answer
  const { detail, title } = answer as ProblemDocument
  throw new CallFailure(detail ?? title, response.status)
}
