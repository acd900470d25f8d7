import type { Order, OrderPage } from '#contracts/orders-http.ts'
import type { Account, LedgerPage, ToppedUp } from '#contracts/payments-http.ts'
import type { Timeline } from '#contracts/timeline.ts'
import { type Answer, parsed, unwrap } from './answer.ts'
import { Following, type FollowOptions } from './follow.ts'
import { newKey } from './key.ts'
import { pause } from './pause.ts'
import { pauseBeforeRetry } from './retry.ts'
import { type SocketConstructor, socketConstructor } from './socket.ts'

export { type Answer, ApiProblem } from './answer.ts'

export interface ClientOptions {
  /** `http://localhost:8080`; it may have a path, `https://example.com/pay`. */
  gateway: string
  /** How long a call is tried in all. */
  patienceMs?: number
  /** How long one try may take; longer than the gateway's own patience, which says more. */
  timeoutMs?: number
  fetch?: (url: URL, init: RequestInit) => Promise<Response>
  /** For `follow`, where the runtime has none: Node before 22. The one of the package `ws` will do. */
  WebSocket?: SocketConstructor
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

/**
 * A client of both APIs. A call is tried until it has an answer that stands: every POST goes with an
 * Idempotency-Key, so that trying again never does anything twice. Throws an ApiProblem for a refusal,
 * and when the time is over for the last reason why there was no answer.
 */
export class Client {
  readonly #options: Required<Omit<ClientOptions, 'gateway' | 'WebSocket'>>
  readonly #gateway: URL
  readonly #WebSocket: SocketConstructor | undefined

  constructor({ gateway, WebSocket, ...options }: ClientOptions) {
    const send = (url: URL, init: RequestInit) => fetch(url, init)
    this.#options = { patienceMs: 30_000, timeoutMs: 15_000, fetch: send, ...options }
    this.#gateway = new URL(gateway)
    this.#WebSocket = WebSocket
    if (!this.#gateway.pathname.endsWith('/')) this.#gateway.pathname += '/'
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
    const address = this.#at('/orders/ws')
    address.protocol = address.protocol.replace('http', 'ws')
    const Socket = socketConstructor(this.#WebSocket)
    return new Following(
      {
        open: () => new Socket(address.href),
        readOrders: (userId, signal) => (query) => this.listOrders(userId, { ...query, signal }),
      },
      options,
    )
  }

  /** Any call, until its answer stands. A body makes it a POST. */
  async request(path: string, body?: object, options: CallOptions = {}): Promise<Answer> {
    const url = this.#at(path)
    const init = initOf(body, options.idempotencyKey)
    const giveUpAt = performance.now() + this.#options.patienceMs
    for (let tries = 0; ; tries++) {
      const { answer, error } = await this.#try(url, init, options.signal)
      const outcome = answer && { ...answer, retryAfter: answer.headers.get('retry-after') }
      const pauseMs = pauseBeforeRetry(tries, outcome, Math.random())
      const isLast = pauseMs === undefined || performance.now() + pauseMs > giveUpAt
      if (answer && isLast) return answer
      if (isLast) throw error
      await pause(pauseMs, options.signal)
    }
  }

  #at = (path: string) => new URL(`.${path}`, this.#gateway)

  #get = async <T>(path: string, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, undefined, options))

  #post = async <T>(path: string, body: object, options?: CallOptions): Promise<T> =>
    unwrap<T>(await this.request(path, body, options))

  /** Only what can be nobody's fault is an answer that did not come; the rest is thrown. */
  async #try(url: URL, init: RequestInit, signal: AbortSignal | undefined) {
    const late = AbortSignal.timeout(this.#options.timeoutMs)
    try {
      const response = await this.#options.fetch(url, {
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

/** Throws where a header cannot be one: that would look like an answer that did not come. */
function initOf(body: object | undefined, key: string | undefined): RequestInit {
  const json = 'application/json'
  if (body === undefined) return { headers: { accept: json } }
  const names = { accept: json, 'content-type': json, 'idempotency-key': key ?? newKey() }
  return { method: 'POST', headers: new Headers(names), body: JSON.stringify(body) }
}

const accountPath = (userId: string) => `/accounts/${encodeURIComponent(userId)}`

function queryOf(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.length > 0 ? `?${new URLSearchParams(given as [string, string][])}` : ''
}
