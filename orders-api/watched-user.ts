import { isPending, type RestIsFinal } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'

/** Final orders that were told one after the other. They are forgotten together. */
interface Batch {
  orderIds: Set<string>
  /** When the last of them ended. */
  lastEndMs: number
}

/** So few are always remembered: most users have no more, and are told once whatever comes again. */
const fewTold = 20
/** And never more, of final orders and of pending ones, however long nothing can be forgotten. */
const mostTold = 10_000
/**
 * A set that is dropped whole takes half of the memory of one that loses its first as it gains new
 * ones: V8 keeps the places of what was deleted until the set has doubled.
 */
const batchSize = 1_000

/** What a connection that watches a user has been told of the user's orders. */
export class WatchedUser {
  /** The final orders it was told of lately. */
  #latest = emptyBatch()
  /** And those before, the last first. */
  #earlier: Batch[] = []
  /** Those it was sent as pending: their end is news, though it may be timed before the subscription. */
  readonly #pending = new Set<string>()
  /** What else had ended before is no news. Unknown at first: then everything is. */
  #sinceMs: number | undefined

  /** The first counts. */
  setSince(sinceMs: number): void {
    this.#sinceMs ??= sinceMs
  }

  /** Whether this state of an order is no news. */
  knows({ order_id, status, updated_at }: Order): boolean {
    if (this.#latest.orderIds.has(order_id)) return true satisfies RestIsFinal
    if (this.#earlier.some(({ orderIds }) => orderIds.has(order_id))) return true
    if (this.#pending.has(order_id) || isPending(status)) return false
    return this.#sinceMs !== undefined && Date.parse(updated_at) < this.#sinceMs
  }

  /** When there are too many, the end of any order is news, also of those that ended before. */
  rememberPending({ order_id }: Order): void {
    this.#pending.add(order_id)
    if (this.#pending.size <= mostTold) return
    this.#pending.clear()
    this.#sinceMs = Number.NEGATIVE_INFINITY
  }

  /** Returns when the order ended, in ms. */
  rememberEnd({ order_id, updated_at }: Order): number {
    const endedMs = Date.parse(updated_at)
    this.#pending.delete(order_id)
    if (this.#latest.orderIds.size === batchSize) this.#closeBatch()
    this.#latest.orderIds.add(order_id)
    this.#latest.lastEndMs = Math.max(this.#latest.lastEndMs, endedMs)
    return endedMs
  }

  /**
   * Forgets final orders that ended earlier, but for the last few, and for those that were told
   * between the same two calls as one that did not end earlier. Once the subscription is earlier, no end
   * that is timed before it can come any more.
   */
  forgetBefore(horizonMs: number): void {
    if (this.#sinceMs !== undefined && this.#sinceMs < horizonMs) this.#pending.clear()
    this.#closeBatch()
    let later = 0
    this.#earlier = this.#earlier.filter(({ orderIds, lastEndMs }) => {
      const isKept = later < fewTold || lastEndMs >= horizonMs
      later += orderIds.size
      return isKept
    })
  }

  #closeBatch(): void {
    if (this.#latest.orderIds.size === 0) return
    this.#earlier.unshift(this.#latest)
    this.#latest = emptyBatch()
    while (sizeOf(this.#earlier) > mostTold - batchSize) this.#earlier.pop()
  }
}

const emptyBatch = (): Batch => ({ orderIds: new Set(), lastEndMs: Number.NEGATIVE_INFINITY })

const sizeOf = (batches: Batch[]): number =>
  batches.reduce((sum, { orderIds }) => sum + orderIds.size, 0)
