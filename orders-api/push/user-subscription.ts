import { isPending, type RestIsFinal } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'

/** Final orders that were delivered one after the other. They expire together. */
interface Batch {
  orderIds: Set<string>
  /** The end time of the newest. */
  newestEndMs: number
}

/** So many final orders never expire: most users have no more, and each is pushed once, however late it is read again. */
const minRemembered = 20
/** And never more are remembered, of final orders and of pending ones, however long nothing can expire. */
const maxRemembered = 10_000
/**
 * A set that is dropped as a whole takes half of the memory of a set that loses its oldest entries as it
 * gains new ones: V8 keeps the slots of deleted entries until the set has doubled.
 */
const batchSize = 1_000

/** What was delivered to one subscriber of the orders of one user. */
export class UserSubscription {
  /** The final orders that were delivered lately. */
  #latest = emptyBatch()
  /** And those before, the latest first. */
  #earlier: Batch[] = []
  /** Delivered as pending: the end of these is pushed, though it may be timed before the subscription. */
  readonly #pending = new Set<string>()
  /** What ended before is not pushed. Unknown at first: then every end is. */
  #sinceMs: number | undefined

  /** The first counts. */
  setSince(sinceMs: number): void {
    this.#sinceMs ??= sinceMs
  }

  /** Whether this state of an order is new to the subscriber. */
  shouldPush(order: Order): boolean {
    const { order_id, updated_at } = order
    if (this.#latest.orderIds.has(order_id)) return !(true satisfies RestIsFinal)
    if (this.#earlier.some(({ orderIds }) => orderIds.has(order_id))) return false
    if (this.#pending.has(order_id) || !isFinal(order)) return true
    return this.#sinceMs === undefined || Date.parse(updated_at) >= this.#sinceMs
  }

  markDelivered(order: Order): void {
    if (isFinal(order)) this.#markEnd(order)
    else this.#markPending(order)
  }

  /** When too many are pending, the end of any order is pushed, also of those that ended before the subscription. */
  #markPending({ order_id }: Order): void {
    this.#pending.add(order_id)
    if (this.#pending.size <= maxRemembered) return
    this.#pending.clear()
    this.#sinceMs = Number.NEGATIVE_INFINITY
  }

  #markEnd({ order_id, updated_at }: Order): void {
    this.#pending.delete(order_id)
    if (this.#latest.orderIds.size === batchSize) this.#closeBatch()
    this.#latest.orderIds.add(order_id)
    this.#latest.newestEndMs = Math.max(this.#latest.newestEndMs, Date.parse(updated_at))
  }

  /**
   * Forgets the batches of final orders that all ended before the horizon, but for the last few orders. Once
   * the horizon has passed the subscription, no end can come any more that is timed before the subscription.
   */
  expireDelivered(horizonMs: number): void {
    if (this.#sinceMs !== undefined && this.#sinceMs < horizonMs) this.#pending.clear()
    this.#closeBatch()
    let newer = 0
    this.#earlier = this.#earlier.filter(({ orderIds, newestEndMs }) => {
      const isKept = newer < minRemembered || newestEndMs >= horizonMs
      newer += orderIds.size
      return isKept
    })
  }

  #closeBatch(): void {
    if (this.#latest.orderIds.size === 0) return
    this.#earlier.unshift(this.#latest)
    this.#latest = emptyBatch()
    while (sizeOf(this.#earlier) > maxRemembered - batchSize) this.#earlier.pop()
  }
}

/** A final status ends the subscription of its order. */
export const isFinal = ({ status }: Order): boolean => !isPending(status)

const emptyBatch = (): Batch => ({ orderIds: new Set(), newestEndMs: Number.NEGATIVE_INFINITY })

const sizeOf = (batches: Batch[]): number =>
  batches.reduce((sum, { orderIds }) => sum + orderIds.size, 0)
