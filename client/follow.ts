import type { Order } from '#contracts/orders-http.ts'
import type { ErrorMessage, OrderMessage } from '#contracts/orders-ws.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { ApiProblem, CallError } from './answer.ts'
import { backfill, type Known, type ReadPage, withHeard } from './backfill.ts'
import { Connection } from './connection.ts'
import { Followed, type Target } from './followed.ts'
import { isPending } from './order-status.ts'
import { pause } from './pause.ts'
import { backoffMs, mayPass } from './retry.ts'
import type { Socket } from './socket.ts'

/**
 * `live`: connected, and what is followed could be read. `lost`: the connection is gone, or the orders
 * of a user cannot be read; it is tried again.
 */
export type State = 'connecting' | 'live' | 'lost'

/** Why it is lost, where the server has said so, and when it is tried again. */
export interface Loss {
  problem?: ProblemDocument | undefined
  retryInMs: number
}

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
  /** Called for each change, and for each loss. */
  onState?: (state: State, loss?: Loss) => void
}

export interface FollowMeans {
  open: () => Socket
  /** Tries once: Following retries. The signal ends the reading. */
  readOrders: (userId: string, signal: AbortSignal) => ReadPage
}

interface Reading {
  orders: Order[]
  known?: Known
  problem?: ProblemDocument | undefined
  refusal?: ProblemDocument | undefined
  /** How long the server asks to wait. */
  askedMs?: number
}

/**
 * Follows orders, and all orders of users, on one WebSocket that is opened again whenever it is lost.
 * Whatever ended meanwhile is told afterwards.
 */
export class Following {
  readonly #means: FollowMeans
  readonly #options: FollowOptions
  readonly #connection: Connection
  readonly #followed = new Followed()
  /** By user. */
  readonly #known = new Map<string, Known>()
  /** The users whose orders have not been read on the present connection. */
  readonly #unread = new Set<string>()
  /** Why the server could not serve the present connection. */
  #problem: ProblemDocument | undefined
  #state: State | undefined
  #hurrying = new AbortController()
  #isClosed = false

  constructor(means: FollowMeans, options: FollowOptions) {
    this.#means = means
    this.#options = options
    this.#connection = new Connection(means.open, {
      onConnecting: () => this.#become('connecting'),
      onOpen: () => this.#begin(),
      onMessage: (message) => this.#hear(message as OrderMessage | ErrorMessage),
      onLost: (retryInMs) => this.#become('lost', { problem: this.#problem, retryInMs }),
    })
    this.#connection.connect()
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
    if (this.#drop(target)) this.#connection.send({ type: 'unsubscribe', ...target })
    this.#subscribe()
    this.#confirm()
  }

  /** Does at once what it would try again later. */
  tryNow(): void {
    this.#hurrying.abort()
    this.#hurrying = new AbortController()
    this.#connection.tryNow()
  }

  /** Nothing is told afterwards. */
  close(): void {
    this.#isClosed = true
    this.#connection.close()
  }

  #want(target: Target): this {
    this.#followed.want(target)
    this.#subscribe()
    return this
  }

  /** Says whether the connection knows of it. */
  #drop(target: Target): boolean {
    if ('user_id' in target) {
      this.#known.delete(target.user_id)
      this.#unread.delete(target.user_id)
    }
    return this.#followed.forget(target)
  }

  #begin(): void {
    this.#problem = undefined
    this.#unread.clear()
    this.#followed.reconnected()
    this.#subscribe()
    this.#confirm()
  }

  #subscribe(): void {
    if (!this.#connection.isOpen) return
    for (const target of this.#followed.takeNext()) {
      this.#connection.send({ type: 'subscribe', ...target })
      if ('user_id' in target) void this.#backfill(target.user_id, this.#connection.signal)
    }
  }

  /** After subscribing, so that nothing happens between the reading and the hearing. */
  async #backfill(userId: string, signal: AbortSignal): Promise<void> {
    const target = { user_id: userId }
    const isWanted = () => !signal.aborted && this.#followed.has(target)
    this.#unread.add(userId)
    for (let tries = 0; isWanted(); tries++) {
      const { orders, known, refusal, problem, askedMs = 0 } = await this.#read(userId, signal)
      if (!isWanted()) return
      if (refusal) return this.#refuse(target, refusal)
      if (known) {
        this.#known.set(userId, known)
        for (const order of orders) if (isWanted()) this.#options.onOrder(order)
        if (isWanted()) this.#unread.delete(userId)
        return this.#confirm()
      }
      const retryInMs = askedMs + backoffMs(tries, Math.random())
      this.#become('lost', { problem, retryInMs })
      const either = AbortSignal.any([signal, this.#hurrying.signal])
      await pause(retryInMs, either).catch(() => {})
    }
  }

  /** Without `known` and `refusal` it may go well the next time. */
  async #read(userId: string, signal: AbortSignal): Promise<Reading> {
    try {
      const read = this.#means.readOrders(userId, signal)
      return await backfill(read, this.#known.get(userId))
    } catch (error) {
      if (!(error instanceof CallError)) return { orders: [] }
      const problem = error instanceof ApiProblem ? error.problem : undefined
      const refusal = error.isTemporary ? undefined : problem
      return { orders: [], problem, refusal, askedMs: error.retryAfterMs }
    }
  }

  #hear(message: OrderMessage | ErrorMessage): void {
    if (message.type === 'error') this.#hearProblem(message)
    else this.#hearOrder(message)
  }

  #hearOrder({ type: _, ...order }: OrderMessage): void {
    const { user_id } = order
    if (this.#followed.has({ user_id })) {
      this.#known.set(user_id, withHeard(this.#known.get(user_id), order))
    }
    if (!isPending(order)) {
      this.#drop({ order_id: order.order_id })
      this.#subscribe()
    }
    this.#options.onOrder(order)
  }

  /** A server that cannot read at the moment may have let go of a subscription: from the beginning. */
  #hearProblem({ problem, order_id, user_id }: ErrorMessage): void {
    if (mayPass(problem)) {
      this.#problem = problem
      this.#connection.reset()
    } else if (order_id !== undefined) this.#refuse({ order_id }, problem)
    else if (user_id !== undefined) this.#refuse({ user_id }, problem)
    else this.#options.onProblem?.(problem)
  }

  /** It ends alone, and its place is free. */
  #refuse(target: Target, problem: ProblemDocument): void {
    if (!this.#followed.has(target)) return
    this.#drop(target)
    this.#subscribe()
    this.#options.onProblem?.(problem, target)
    this.#confirm()
  }

  /** Live, if nothing is left to read. */
  #confirm(): void {
    const isRead = this.#connection.isOpen && this.#unread.size === 0
    if (isRead && this.#state !== 'live') this.#become('live')
  }

  #become(state: State, loss?: Loss): void {
    if (this.#isClosed) return
    this.#state = state
    this.#options.onState?.(state, loss)
  }
}
