import type { Order, OrderPage } from '#contracts/orders-http.ts'
import type { Account, LedgerEntry, LedgerPage, ToppedUp } from '#contracts/payments-http.ts'
import type { Timeline } from '#contracts/timeline.ts'
import type { Answer } from './answer.ts'
import { type BurstOptions, placeBurst } from './burst.ts'
import { Caller, type CallerOptions, type CallOptions } from './caller.ts'
import { Following, type FollowOptions } from './follow.ts'
import { itemsOf } from './pages.ts'
import { type SocketConstructor, socketConstructor } from './socket.ts'

export { type Answer, ApiProblem, CallError } from './answer.ts'
export type { Loss, State } from './follow.ts'

export interface ClientOptions extends Omit<CallerOptions, 'gateway'> {
  /** `http://localhost:8080`; it may have a path, `https://example.com/pay`. */
  gateway: string
  /**
   * For `follow`, where the runtime has none: Node before 22. The one of the package `ws` will do.
   */
  WebSocket?: SocketConstructor
}

export interface PageOptions extends CallOptions {
  limit?: number
  cursor?: string
}

type OrdersOptions = CallOptions & { status?: Order['status'] }

/**
 * A client of both APIs. A call is tried until it has an answer that stands: every POST goes with
 * an Idempotency-Key, so that trying again never does anything twice. Throws an ApiProblem for a
 * refusal, and a CallError when the time is over without an answer of an API.
 */
export class Client {
  readonly #caller: Caller
  readonly #WebSocket: SocketConstructor | undefined

  constructor({ gateway, WebSocket, ...options }: ClientOptions) {
    const url = new URL(gateway)
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    this.#caller = new Caller({ ...options, gateway: url })
    this.#WebSocket = WebSocket
  }

  createAccount = (userId: string, options?: CallOptions) =>
    this.#caller.post<Account>('/accounts', { user_id: userId }, options)

  getAccount = (userId: string, options?: CallOptions) =>
    this.#caller.get<Account>(accountPath(userId), options)

  topUp = (userId: string, amount: string, options?: CallOptions) =>
    this.#caller.post<ToppedUp>(`${accountPath(userId)}/topup`, { amount }, options)

  listLedger = (userId: string, { limit, cursor, ...options }: PageOptions = {}) =>
    this.#caller.get<LedgerPage>(
      `${accountPath(userId)}/ledger${queryOf({ limit, cursor })}`,
      options,
    )

  /** The whole ledger, newest first; a page is read when it is needed. */
  eachLedgerEntry = (userId: string, options: CallOptions = {}) =>
    itemsOf<LedgerEntry>((page) => this.listLedger(userId, { ...options, ...page }))

  placeOrder = (userId: string, amount: string, options?: CallOptions) =>
    this.#caller.post<Order>('/orders', { user_id: userId, amount }, options)

  refundOrder = (orderId: string, options?: CallOptions) =>
    this.#caller.post<Order>(`/orders/${encodeURIComponent(orderId)}/refund`, {}, options)

  /** Many orders of one amount, several at a time. */
  placeOrders = (userId: string, amount: string, options: BurstOptions) =>
    placeBurst((each) => this.placeOrder(userId, amount, each), options)

  getOrder = (orderId: string, options?: CallOptions) =>
    this.#caller.get<Order>(`/orders/${encodeURIComponent(orderId)}`, options)

  getTimeline = (orderId: string, options?: CallOptions) =>
    this.#caller.get<Timeline>(`/orders/${encodeURIComponent(orderId)}/timeline`, options)

  listOrders = (
    userId: string,
    { status, limit, cursor, ...options }: PageOptions & OrdersOptions = {},
  ) =>
    this.#caller.get<OrderPage>(
      `/orders${queryOf({ user_id: userId, status, limit, cursor })}`,
      options,
    )

  /** All orders of a user, newest first; a page is read when it is needed. */
  eachOrder = (userId: string, options: OrdersOptions = {}) =>
    itemsOf<Order>((page) => this.listOrders(userId, { ...options, ...page }))

  /** A connection that tells how orders end; say which with `.order(id)` and `.user(id)`. */
  follow(options: FollowOptions): Following {
    const address = this.#caller.urlOf('/orders/ws')
    address.protocol = address.protocol.replace('http', 'ws')
    const Socket = socketConstructor(this.#WebSocket)
    let token: string | undefined
    return new Following(
      {
        open: async (isExpired) => {
          token = await this.#caller.token(isExpired ? token : undefined)
          return new Socket(address.href, token === undefined ? [] : ['bearer', token])
        },
        readOrders: (userId, signal) => ({
          page: (query) => this.listOrders(userId, { ...query, signal, totalTimeoutMs: 0 }),
          order: (orderId) => this.getOrder(orderId, { signal, totalTimeoutMs: 0 }),
        }),
      },
      options,
    )
  }

  /** Any call, until its answer stands. A body makes it a POST. */
  request = (path: string, body?: object, options?: CallOptions): Promise<Answer> =>
    this.#caller.request(path, body, options)
}

const accountPath = (userId: string) => `/accounts/${encodeURIComponent(userId)}`

function queryOf(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return given.length > 0 ? `?${new URLSearchParams(given as [string, string][])}` : ''
}
