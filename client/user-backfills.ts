import type { Order } from '#contracts/orders-http.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { ApiProblem, CallError } from './answer.ts'
import { backfill, type Known, withHeard } from './backfill.ts'
import type { OrderReader } from './order-reader.ts'
import { pause } from './pause.ts'
import { backoffMs } from './retry.ts'

/** Why something is lost, where the server has said so, and when it is tried again. */
export interface Loss {
  problem?: ProblemDocument | undefined
  /** What the function that gets the token has thrown. */
  error?: unknown
  retryInMs: number
}

export interface BackfillListener {
  onOrder: (order: Order) => void
  onDone: () => void
  onLoss: (loss: Loss) => void
  onRefused: (userId: string, problem: ProblemDocument) => void
}

/** Tries once: the retries are made here. The signal ends the reading. */
export type ReadOrders = (userId: string, signal: AbortSignal) => OrderReader

/**
 * For each user that is followed: what is known of the orders, and the reading of what was missed.
 */
export class UserBackfills {
  readonly #readOrders: ReadOrders
  readonly #listener: BackfillListener
  readonly #known = new Map<string, Known>()
  /** The users that have not been read on the present connection; aborting ends the reading. */
  readonly #unread = new Map<string, AbortController>()
  /**
   * What was heard of each order while its user was being read: it may be newer than what was read.
   */
  readonly #heard = new Map<string, Map<string, string>>()
  #hurrying = new AbortController()

  constructor(readOrders: ReadOrders, listener: BackfillListener) {
    this.#readOrders = readOrders
    this.#listener = listener
  }

  /** Whether everybody was read on the present connection. */
  get isDone(): boolean {
    return this.#unread.size === 0
  }

  /** A new connection: nobody was read yet. */
  reconnected(): void {
    this.#unread.clear()
  }

  /** Takes note of an order that the connection has told, of a user that is followed. */
  hear(order: Order): void {
    this.#known.set(order.user_id, withHeard(this.#known.get(order.user_id), order))
    this.#heard.get(order.user_id)?.set(order.order_id, order.updated_at)
  }

  forget(userId: string): void {
    this.#unread.get(userId)?.abort()
    this.#unread.delete(userId)
    this.#heard.delete(userId)
    this.#known.delete(userId)
  }

  /** Does at once what it would try again later. */
  tryNow(): void {
    this.#hurrying.abort()
    this.#hurrying = new AbortController()
  }

  /** Begins after subscribing, so that nothing happens between the reading and the hearing. */
  async read(userId: string, connection: AbortSignal): Promise<void> {
    const forgotten = new AbortController()
    const signal = AbortSignal.any([connection, forgotten.signal])
    this.#unread.set(userId, forgotten)
    this.#heard.set(userId, new Map())
    for (let tries = 0; !signal.aborted; tries++) {
      const { orders, known, error } = await this.#try(userId, signal)
      if (signal.aborted) return
      if (known) return this.#finish(userId, { orders, known, signal })
      if (error instanceof ApiProblem && !error.isTemporary) {
        return this.#listener.onRefused(userId, error.problem)
      }
      await this.#pauseAfter(error, tries, signal)
    }
  }

  /** Whoever is told an order may forget the user. */
  #finish(userId: string, read: { orders: Order[]; known: Known; signal: AbortSignal }): void {
    const heard = this.#heard.get(userId)
    const isNewer = ({ order_id, updated_at }: Order) => updated_at > (heard?.get(order_id) ?? '')
    this.#known.set(userId, read.known)
    for (const order of read.orders.filter(isNewer)) {
      if (!read.signal.aborted) this.#listener.onOrder(order)
    }
    if (read.signal.aborted) return
    this.#heard.delete(userId)
    this.#unread.delete(userId)
    this.#listener.onDone()
  }

  async #try(userId: string, signal: AbortSignal): Promise<Attempt> {
    try {
      const { page, order } = this.#readOrders(userId, signal)
      const reader = {
        page: this.#insisting(page, signal),
        order: this.#insisting(order, signal),
      }
      return await backfill(reader, this.#known.get(userId))
    } catch (error) {
      return { orders: [], error }
    }
  }

  /**
   * Each page is read until it is there: whoever has many would not come to an end by beginning
   * anew.
   */
  #insisting<Query, Result>(read: (query: Query) => Promise<Result>, signal: AbortSignal) {
    return async (query: Query): Promise<Result> => {
      for (let tries = 0; ; tries++) {
        try {
          return await read(query)
        } catch (error) {
          if (signal.aborted || !(error instanceof CallError && error.isTemporary)) throw error
          await this.#pauseAfter(error, tries, signal)
        }
      }
    }
  }

  async #pauseAfter(error: unknown, tries: number, signal: AbortSignal): Promise<void> {
    const askedMs = error instanceof CallError ? error.retryAfterMs : 0
    const retryInMs = askedMs + backoffMs(tries, Math.random())
    const problem = error instanceof ApiProblem ? error.problem : undefined
    this.#listener.onLoss({ problem, retryInMs })
    const either = AbortSignal.any([signal, this.#hurrying.signal])
    await pause(retryInMs, either).catch(() => {})
  }
}

interface Attempt {
  orders: Order[]
  known?: Known
  error?: unknown
}
