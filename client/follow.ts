import type { Order } from '#contracts/orders-http.ts'
import type { ErrorMessage, OrderMessage } from '#contracts/orders-ws.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { ApiProblem } from './answer.ts'
import { catchUp, type Known, type ReadPage, withHeard } from './catch-up.ts'
import { Followed, type Target } from './followed.ts'
import { isPending } from './order-status.ts'
import { pause } from './pause.ts'
import { backoffMs, mayPass } from './retry.ts'
import { isOpen, type Socket } from './socket.ts'

/** A connection that lasted so long was a good one: the next try comes soon. */
const steadyAfterMs = 5_000

export interface FollowOptions {
  /**
   * An order as it is now. It may be told more than once, but a final status is always the same; an
   * order that is followed by its id is told its end, and no more.
   */
  onOrder: (order: Order) => void
  /**
   * The target is refused (an order that does not exist, an id that is none) and not followed any more.
   * A problem without a target is one that the server does not say the target of.
   */
  onProblem?: (problem: ProblemDocument, target?: Target) => void
  onState?: (state: 'connecting' | 'live') => void
}

export interface FollowMeans {
  open: () => Socket
  /** The signal ends the reading. */
  readOrders: (userId: string, signal: AbortSignal) => ReadPage
}

/**
 * Follows orders, and all orders of users, on one WebSocket that is opened again whenever it is lost.
 * Whatever ended meanwhile is told afterwards.
 */
export class Following {
  readonly #means: FollowMeans
  readonly #options: FollowOptions
  readonly #followed = new Followed()
  /** By user. */
  readonly #known = new Map<string, Known>()
  #socket: Socket | undefined
  /** Ends with the present connection. */
  #connection = new AbortController()
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
    if (this.#drop(target)) this.#send({ type: 'unsubscribe', ...target })
    this.#subscribe()
  }

  /** Nothing is told afterwards. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#connection.abort()
    this.#socket?.close()
  }

  #want(target: Target): this {
    this.#followed.want(target)
    this.#subscribe()
    return this
  }

  /** Says whether the connection knows of it. */
  #drop(target: Target): boolean {
    if ('user_id' in target) this.#known.delete(target.user_id)
    return this.#followed.forget(target)
  }

  #connect(): void {
    const socket = this.#means.open()
    const connection = new AbortController()
    let openedAt = Number.POSITIVE_INFINITY
    this.#socket = socket
    this.#connection = connection
    this.#options.onState?.('connecting')
    socket.addEventListener('open', () => {
      openedAt = performance.now()
      this.#followed.reconnected()
      this.#options.onState?.('live')
      this.#subscribe()
    })
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data))))
    socket.addEventListener('error', () => {}) // `close` follows; `ws` throws where nobody listens
    socket.addEventListener('close', () => {
      connection.abort()
      if (this.#isClosed) return
      // A server that lets us in and cuts us off at once is no reason to hurry.
      if (performance.now() - openedAt > steadyAfterMs) this.#tries = 0
      this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#tries++, Math.random()))
    })
  }

  #subscribe(): void {
    if (!isOpen(this.#socket)) return
    for (const target of this.#followed.takeNext()) {
      this.#send({ type: 'subscribe', ...target })
      if ('user_id' in target) void this.#catchUp(target.user_id, this.#connection.signal)
    }
  }

  /** After subscribing, so that nothing happens between the reading and the hearing. */
  async #catchUp(userId: string, signal: AbortSignal): Promise<void> {
    const target = { user_id: userId }
    const isWanted = () => !signal.aborted && this.#followed.has(target)
    for (let tries = 0; isWanted(); tries++) {
      const { orders, known, refusal } = await this.#read(userId, signal)
      if (!isWanted()) return
      if (refusal) return this.#refuse(target, refusal)
      if (known) {
        this.#known.set(userId, known)
        for (const order of orders) if (isWanted()) this.#options.onOrder(order)
        return
      }
      await pause(backoffMs(tries, Math.random()), signal).catch(() => {})
    }
  }

  /** Without `known` and `refusal` it may go well the next time. */
  async #read(userId: string, signal: AbortSignal) {
    const nothing = { orders: [], known: undefined, refusal: undefined }
    try {
      const read = this.#means.readOrders(userId, signal)
      return { ...nothing, ...(await catchUp(read, this.#known.get(userId))) }
    } catch (error) {
      const isRefused = error instanceof ApiProblem && !mayPass(error.problem)
      return isRefused ? { ...nothing, refusal: error.problem } : nothing
    }
  }

  #hear(message: OrderMessage | ErrorMessage): void {
    if (this.#isClosed) return
    if (message.type === 'error') this.#hearProblem(message)
    else this.#hearOrder(message)
  }

  #hearOrder({ type: _, ...order }: OrderMessage): void {
    const { user_id, status } = order
    if (this.#followed.has({ user_id })) {
      this.#known.set(user_id, withHeard(this.#known.get(user_id), order))
    }
    if (!isPending(status)) {
      this.#drop({ order_id: order.order_id })
      this.#subscribe()
    }
    this.#options.onOrder(order)
  }

  /** A server that cannot read at the moment may have let go of a subscription: from the beginning. */
  #hearProblem({ problem, order_id, user_id }: ErrorMessage): void {
    if (mayPass(problem)) this.#socket?.close()
    else if (order_id !== undefined) this.#refuse({ order_id }, problem)
    else if (user_id !== undefined) this.#refuse({ user_id }, problem)
    else this.#options.onProblem?.(problem)
  }

  /** It ends alone, and its place is free. */
  #refuse(target: Target, problem: ProblemDocument): void {
    if (!this.#followed.has(target)) return
    this.#drop(target)
    this.#subscribe()
    this.#options.onProblem?.(problem, target)
  }

  #send(message: object): void {
    if (isOpen(this.#socket)) this.#socket.send(JSON.stringify(message))
  }
}
