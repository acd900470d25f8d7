import type { Order } from '#contracts/orders-http.ts'
import type { ErrorMessage, OrderMessage } from '#contracts/orders-ws.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { Connection, type Open } from './connection.ts'
import { Followed, type Target } from './followed.ts'
import { isPending } from './order-status.ts'
import { mayPass } from './retry.ts'
import { type Loss, type ReadOrders, UserBackfills } from './user-backfills.ts'

export type { Loss } from './user-backfills.ts'

/**
 * `live`: connected, and what is followed could be read. `lost`: the connection is gone, or the
 * orders of a user cannot be read; it is tried again.
 */
export type State = 'connecting' | 'live' | 'lost'

export interface FollowOptions {
  /**
   * An order as it is now. It may be told more than once, but a final status is always the same; an
   * order that is followed by its id is told its end, and no more.
   */
  onOrder: (order: Order) => void
  /**
   * The target is refused (an order that does not exist, an id that is none) and not followed any
   * more. A problem without a target is one that the server does not say the target of.
   */
  onProblem?: (problem: ProblemDocument, target?: Target) => void
  /** Called for each change, and for each loss. */
  onState?: (state: State, loss?: Loss) => void
}

export interface FollowMeans {
  open: Open
  readOrders: ReadOrders
}

/**
 * Follows orders, and all orders of users, on one WebSocket that is opened again whenever it is
 * lost. Whatever ended meanwhile is told afterwards.
 */
export class Following {
  readonly #options: FollowOptions
  readonly #connection: Connection
  readonly #backfills: UserBackfills
  readonly #followed = new Followed()
  /** Why the server could not serve the present connection. */
  #problem: ProblemDocument | undefined
  #state: State | undefined
  #isClosed = false

  constructor({ open, readOrders }: FollowMeans, options: FollowOptions) {
    this.#options = options
    this.#backfills = new UserBackfills(readOrders, {
      onOrder: options.onOrder,
      onDone: () => this.#confirm(),
      onLoss: (loss) => this.#become('lost', loss),
      onRefused: (userId, problem) => this.#refuse({ user_id: userId }, problem),
    })
    this.#connection = new Connection(open, {
      onConnecting: () => this.#become('connecting'),
      onOpen: () => this.#begin(),
      onMessage: (message) => this.#hear(message as OrderMessage | ErrorMessage),
      onLost: (retryInMs, error) =>
        this.#become('lost', { problem: this.#problem, error, retryInMs }),
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
    this.#backfills.tryNow()
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
    if ('user_id' in target) this.#backfills.forget(target.user_id)
    return this.#followed.forget(target)
  }

  #begin(): void {
    this.#problem = undefined
    this.#backfills.reconnected()
    this.#followed.reconnected()
    this.#subscribe()
    this.#confirm()
  }

  #subscribe(): void {
    if (!this.#connection.isOpen) return
    for (const target of this.#followed.takeNext()) {
      this.#connection.send({ type: 'subscribe', ...target })
      if ('user_id' in target) void this.#backfills.read(target.user_id, this.#connection.signal)
    }
  }

  #hear(message: OrderMessage | ErrorMessage): void {
    if (message.type === 'error') this.#hearProblem(message)
    else this.#hearOrder(message)
  }

  #hearOrder({ type: _, ...order }: OrderMessage): void {
    if (this.#followed.has({ user_id: order.user_id })) this.#backfills.hear(order)
    if (!isPending(order)) {
      this.#drop({ order_id: order.order_id })
      this.#subscribe()
    }
    this.#options.onOrder(order)
  }

  /**
   * A server that cannot read at the moment may have let go of a subscription: from the beginning.
   */
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
    const isRead = this.#connection.isOpen && this.#backfills.isDone
    if (isRead && this.#state !== 'live') this.#become('live')
  }

  #become(state: State, loss?: Loss): void {
    if (this.#isClosed) return
    this.#state = state
    this.#options.onState?.(state, loss)
  }
}
