import type { Order } from '../orders-http.ts'
import type { ErrorMessage, OrderMessage } from '../orders-ws.ts'
import type { ProblemDocument } from '../problem.ts'
import { catchUp, type ReadPage, type Since } from './catch-up.ts'
import { Followed, type Target } from './followed.ts'
import { backoffMs } from './retry.ts'

/** A connection that lasted so long was a good one: the next try comes soon. */
const steadyAfterMs = 5_000

export interface FollowOptions {
  /**
   * An order as it is now. It may be told more than once, but a final status is always the same; an
   * order that is followed by its id is told its end, and no more.
   */
  onOrder: (order: Order) => void
  /** What could not be followed: an order that does not exist. */
  onProblem?: (problem: ProblemDocument) => void
  onState?: (state: 'connecting' | 'live') => void
}

export interface FollowMeans {
  open: () => WebSocket
  readOrders: (userId: string) => ReadPage
}

/**
 * Follows orders, and all orders of users, on one WebSocket that is opened again whenever it is lost.
 * Whatever ended meanwhile is told afterwards.
 */
export class Following {
  readonly #means: FollowMeans
  readonly #options: FollowOptions
  readonly #followed = new Followed()
  readonly #since = new Map<string, Since>()
  #socket: WebSocket | undefined
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(means: FollowMeans, options: FollowOptions) {
    this.#means = means
    this.#options = options
    this.#connect()
  }

  /** Orders and users that are followed; an order leaves with its end. */
  get size(): number {
    return this.#followed.size
  }

  order(orderId: string): this {
    return this.#want({ order_id: orderId })
  }

  /** From the first order that is told or read (that is done at once), no end goes missing. */
  user(userId: string): this {
    return this.#want({ user_id: userId })
  }

  forget(target: Target): void {
    if (this.#followed.forget(target)) this.#send({ type: 'unsubscribe', ...target })
    this.#subscribe()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #want(target: Target): this {
    this.#followed.want(target)
    this.#subscribe()
    return this
  }

  #connect(): void {
    const socket = this.#means.open()
    let openedAt = Number.POSITIVE_INFINITY
    this.#socket = socket
    this.#options.onState?.('connecting')
    socket.addEventListener('open', () => {
      openedAt = performance.now()
      this.#followed.reconnected()
      this.#options.onState?.('live')
      this.#subscribe()
    })
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data))))
    socket.addEventListener('close', () => {
      if (this.#isClosed) return
      if (performance.now() - openedAt > steadyAfterMs) this.#tries = 0
      this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#tries++, Math.random()))
    })
  }

  #subscribe(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    for (const target of this.#followed.takeNext()) {
      this.#send({ type: 'subscribe', ...target })
      if ('user_id' in target) void this.#catchUp(target.user_id, this.#socket)
    }
  }

  /** After subscribing, so that nothing happens between the reading and the hearing. */
  async #catchUp(userId: string, socket: WebSocket): Promise<void> {
    try {
      const read = this.#means.readOrders(userId)
      const { orders, since } = await catchUp(read, this.#since.get(userId))
      if (socket !== this.#socket) return
      this.#since.set(userId, since)
      for (const order of orders) this.#options.onOrder(order)
    } catch {
      socket.close() // and from the beginning
    }
  }

  #hear(message: OrderMessage | ErrorMessage): void {
    if (message.type === 'error') {
      this.#hearProblem(message.problem)
      return
    }
    this.#tries = 0
    const { type: _, ...order } = message
    this.#remember(order)
    if (order.status !== 'PAYMENT_PENDING') {
      this.#followed.forget(order)
      this.#subscribe()
    }
    this.#options.onOrder(order)
  }

  /** Should the connection be lost before the first reading is done, the next one begins here. */
  #remember({ user_id, created_at }: Order): void {
    const since = this.#since.get(user_id)
    if (since === undefined || since > created_at) this.#since.set(user_id, created_at)
  }

  /** The server cannot read at the moment, and has not subscribed us: from the beginning. */
  #hearProblem(problem: ProblemDocument): void {
    if (problem.status >= 500) this.#socket?.close()
    else this.#options.onProblem?.(problem)
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }
}
