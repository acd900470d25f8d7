import { type Answer, CallError, parsed, unwrap } from './answer.ts'
import { newKey } from './key.ts'
import { pause } from './pause.ts'
import { pauseBeforeRetry } from './retry.ts'
import { type Token, tokenFrom } from './token.ts'

export interface CallerOptions {
  gateway: URL
  /** Says who calls; needed with AUTH_MODE=jwt. */
  token?: Token | undefined
  /** How long a call is tried in all (30 s by default); with 0 it is tried once. */
  totalTimeoutMs?: number
  /**
   * How long one attempt may take (15 s by default): longer than the gateway waits, whose answer
   * says more.
   */
  attemptTimeoutMs?: number
  fetch?: (url: URL, init: RequestInit) => Promise<Response>
}

export interface CallOptions {
  signal?: AbortSignal
  /** Ends the retries only: an attempt under way is waited for, and its answer counts. */
  retrySignal?: AbortSignal
  /** One per intent, kept by who must be able to repeat it after a crash of their own. */
  idempotencyKey?: string
  /** How long this call is tried in all, if not as long as others. */
  totalTimeoutMs?: number
}

/** Calls the APIs, and repeats a call until its answer stands. */
export class Caller {
  readonly #options: Required<Omit<CallerOptions, 'token'>>
  readonly #token: Token | undefined

  constructor({
    gateway,
    token,
    totalTimeoutMs = 30_000,
    attemptTimeoutMs = 15_000,
    fetch: send = (url, init) => fetch(url, init),
  }: CallerOptions) {
    this.#token = token
    this.#options = { gateway, totalTimeoutMs, attemptTimeoutMs, fetch: send }
  }

  token = (refused?: string): Promise<string | undefined> => tokenFrom(this.#token, refused)

  urlOf = (path: string): URL => new URL(`.${path}`, this.#options.gateway)

  get = async <T>(path: string, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, undefined, options))

  post = async <T>(path: string, body: object, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, body, options))

  /** A body makes it a POST. Throws a CallError when the time is over and there was no answer. */
  async request(path: string, body?: object, options: CallOptions = {}): Promise<Answer> {
    const { signal, retrySignal, totalTimeoutMs = this.#options.totalTimeoutMs } = options
    const url = this.urlOf(path)
    const init = initOf(body, options.idempotencyKey)
    const giveUpAt = performance.now() + totalTimeoutMs
    let refused: string | undefined
    for (let tries = 0; ; tries++) {
      const { answer, error, token } = await this.#try(url, init, { signal, refused })
      if (answer?.status === 401 && refused === undefined && this.#getsTokens) {
        refused = token
        continue
      }
      const outcome = answer && { ...answer, retryAfter: answer.headers.get('retry-after') }
      const pauseMs = pauseBeforeRetry(tries, outcome, Math.random())
      const isLast = pauseMs === undefined || performance.now() + pauseMs > giveUpAt
      if (answer && isLast) return answer
      if (isLast) throw new CallError('No answer came', undefined, error)
      await pause(pauseMs, anyOf(signal, retrySignal))
    }
  }

  /** Only what can be nobody's fault is an answer that did not come; the rest is thrown. */
  async #try(url: URL, init: RequestInit, { signal, refused }: TryOptions) {
    const late = AbortSignal.timeout(this.#options.attemptTimeoutMs)
    try {
      // A new token for each try: the last one may have expired meanwhile.
      const token = await this.token(refused)
      const headers = new Headers(init.headers)
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      const options = { ...init, headers, signal: anyOf(signal, late) }
      const response = await this.#options.fetch(url, options)
      const body = parsed(await response.text())
      return { answer: { status: response.status, headers: response.headers, body }, token }
    } catch (error) {
      const isLost = error instanceof TypeError || late.aborted
      if (!isLost || signal?.aborted) throw error
      return { error }
    }
  }

  /** A token that a server refuses is replaced once, where there may be another one. */
  get #getsTokens(): boolean {
    return typeof this.#token === 'function'
  }
}

type TryOptions = { signal: AbortSignal | undefined; refused: string | undefined }

const anyOf = (...signals: (AbortSignal | undefined)[]): AbortSignal =>
  AbortSignal.any(signals.filter((signal) => signal !== undefined))

/** Throws where a header cannot be one: that would look like an answer that did not come. */
function initOf(body: object | undefined, key: string | undefined): RequestInit {
  const json = 'application/json'
  if (body === undefined) return { headers: { accept: json } }
  const names = { accept: json, 'content-type': json, 'idempotency-key': key ?? newKey() }
  return { method: 'POST', headers: new Headers(names), body: JSON.stringify(body) }
}
