import type { Order } from '#contracts/orders-http.ts'

/** So few are always remembered: most users have no more, and are told once whatever comes again. */
const fewTold = 20
/** And never more, however long nothing can be forgotten. */
const mostTold = 10_000

/** What a connection that watches a user has been told of the user's orders. */
export class WatchedUser {
  /** The final orders it was told of lately, and when they ended, in ms. */
  readonly #told = new Map<string, number>()
  /** Those it was sent as pending: however late their end is heard of, it is news. */
  readonly #pending = new Set<string>()
  /** What else had ended before is no news. Unknown at first: then everything is. */
  #sinceMs: number | undefined

  /** The first counts. */
  setSince(sinceMs: number): void {
    this.#sinceMs ??= sinceMs
  }

  /** Whether this state of an order is no news. */
  knows({ order_id, status, updated_at }: Order): boolean {
    if (this.#told.has(order_id)) return true
    if (this.#pending.has(order_id) || status === 'PAYMENT_PENDING') return false
    return this.#sinceMs !== undefined && Date.parse(updated_at) < this.#sinceMs
  }

  rememberPending({ order_id }: Order): void {
    this.#pending.add(order_id)
  }

  /** Returns when the order ended, in ms. */
  rememberEnd({ order_id, updated_at }: Order): number {
    const endedMs = Date.parse(updated_at)
    this.#pending.delete(order_id)
    this.#told.set(order_id, endedMs)
    if (this.#told.size > mostTold) this.#forgetFirst()
    return endedMs
  }

  /** Forgets final orders that ended earlier, those first that were told first, but for a few. */
  forgetBefore(horizonMs: number): void {
    for (const [orderId, endedMs] of this.#told) {
      if (this.#told.size <= fewTold) return
      if (endedMs < horizonMs) this.#told.delete(orderId)
    }
  }

  #forgetFirst(): void {
    const [first] = this.#told.keys()
    if (first !== undefined) this.#told.delete(first)
  }
}
