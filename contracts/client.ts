import { Following, type FollowOptions } from './client/follow.ts'
import { pauseBeforeRetry } from './client/retry.ts'
import type { Order, OrderPage } from './orders-http.ts'
import type { Account, LedgerPage, ToppedUp } from './payments-http.ts'
import type { ProblemDocument } from './problem.ts'
import type { Timeline } from './timeline.ts'

export interface ClientOptions {
  /** `http://localhost:8080`. */
  gateway: string
  /** How long a call is tried in all. */
  patienceMs?: number
  /** How long one try may take; longer than the gateway's own patience, which says more. */
  timeoutMs?: number
  fetch?: (url: URL, init: RequestInit) => Promise<Response>
}

export interface CallOptions {
  signal?: AbortSignal
  /** One per intent, kept by who must be able to repeat it after a crash of their own. */
  idempotencyKey?: string
}

export interface PageOptions extends CallOptions {
  limit?: number
  cursor?: string
}

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

/**
 * A client of both APIs. A call is tried until it has an answer that stands: every POST goes with an
 * Idempotency-Key, so that trying again never does anything twice. Throws an ApiProblem for a refusal,
 * and when the time is over for the last reason why there was no answer.
 */
export class Client {
  readonly #options: Required<ClientOptions>

  constructor(options: ClientOptions) {
    const send = (url: URL, init: RequestInit) => fetch(url, init)
    this.#options = { patienceMs: 30_000, timeoutMs: 15_000, fetch: send, ...options }
  }

  createAccount = (userId: string, options?: CallOptions) =>
    this.#post<Account>('/accounts', { user_id: userId }, options)

  getAccount = (userId: string, options?: CallOptions) =>
    this.#get<Account>(accountPath(userId), options)

  topUp = (userId: string, amount: string, options?: CallOptions) =>
    this.#post<ToppedUp>(`${accountPath(userId)}/topup`, { amount }, options)

  listLedger = (userId: string, { limit, cursor, ...options }: PageOptions = {}) =>
    this.#get<LedgerPage>(`${accountPath(userId)}/ledger${queryOf({ limit, cursor })}`, options)

  placeOrder = (userId: string, amount: string, options?: CallOptions) =>
    this.#post<Order>('/orders', { user_id: userId, amount }, options)

  getOrder = (orderId: string, options?: CallOptions) =>
    this.#get<Order>(`/orders/${encodeURIComponent(orderId)}`, options)

  getTimeline = (orderId: string, options?: CallOptions) =>
    this.#get<Timeline>(`/orders/${encodeURIComponent(orderId)}/timeline`, options)

  listOrders = (
    userId: string,
    { status, limit, cursor, ...options }: PageOptions & { status?: Order['status'] } = {},
  ) =>
    this.#get<OrderPage>(`/orders${queryOf({ user_id: userId, status, limit, cursor })}`, options)

  /** A connection that tells how orders end; say which with `.order(id)` and `.user(id)`. */
  follow(options: FollowOptions): Following {
    const address = new URL('/orders/ws', this.#options.gateway)
    address.protocol = address.protocol.replace('http', 'ws')
    return new Following(
      {
        open: () => new WebSocket(address),
        readOrders: (userId) => (query) => this.listOrders(userId, query),
      },
      options,
    )
  }

  /** Any call, until its answer stands. A body makes it a POST. */
  async request(path: string, body?: object, options: CallOptions = {}): Promise<Answer> {
    const init = initOf(body, options.idempotencyKey ?? crypto.randomUUID())
    const giveUpAt = performance.now() + this.#options.patienceMs
    for (let tries = 0; ; tries++) {
      const { answer, error } = await this.#try(path, init, options.signal)
      const outcome = answer && { ...answer, retryAfter: answer.headers.get('retry-after') }
      const pauseMs = pauseBeforeRetry(tries, outcome, Math.random())
      const isLast = pauseMs === undefined || performance.now() + pauseMs > giveUpAt
      if (answer && isLast) return answer
      if (isLast) throw error
      await pause(pauseMs, options.signal)
    }
  }

  #get = async <T>(path: string, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, undefined, options))

  #post = async <T>(path: string, body: object, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, body, options))

  /** Only what can be nobody's fault is an answer that did not come; the rest is thrown. */
  async #try(path: string, init: RequestInit, signal: AbortSignal | undefined) {
    const late = AbortSignal.timeout(this.#options.timeoutMs)
    try {
      const response = await this.#options.fetch(new URL(path, this.#options.gateway), {
        ...init,
        signal: signal ? AbortSignal.any([signal, late]) : late,
      })
      const body = parsed(await response.text())
      return { answer: { status: response.status, headers: response.headers, body } }
    } catch (error) {
      const isLost = error instanceof TypeError || late.aborted
      if (!isLost || signal?.aborted) throw error
      return { error }
    }
  }
}

function initOf(body: object | undefined, key: string): RequestInit {
  if (body === undefined) return { headers: { accept: 'application/json' } }
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'idempotency-key': key,
  }
  return { method: 'POST', headers, body: JSON.stringify(body) }
}

/** What is between us and the APIs may answer with anything. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function unwrap<T>({ status, body }: Answer): T {
  if (status < 300 && typeof body === 'object') return body as T
  if (typeof body === 'object') throw new ApiProblem(body as ProblemDocument)
  throw new Error(`An answer of ${status} that is not from the API: ${String(body).slice(0, 200)}`)
}

const accountPath = (userId: string) => `/accounts/${encodeURIComponent(userId)}`

function queryOf(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.length > 0 ? `?${new URLSearchParams(given as [string, string][])}` : ''
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const stop = () => reject(signal?.reason)
  signal?.addEventListener('abort', stop)
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  })
}
