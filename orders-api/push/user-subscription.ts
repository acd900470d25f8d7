import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'

/** Orders at rest that were delivered one after the other. They expire together. */
interface Batch {
  versions: Map<string, number>
  /** The end time of the newest. */
  newestEndMs: number
}

/**
 * So many orders at rest never expire: most users have no more, and each is pushed once, however
 * late it is read again.
 */
const minRemembered = 20
/**
 * And never more are remembered, of orders at rest and of pending ones, however long nothing can
 * expire.
 */
const maxRemembered = 10_000
/**
 * A map that is dropped as a whole takes half of the memory of a map that loses its oldest entries
 * as it gains new ones: V8 keeps the slots of deleted entries until the map has doubled.
 */
const batchSize = 1_000

/** What was delivered to one subscriber of the orders of one user. */
export class UserSubscription {
  /** The orders at rest that were delivered lately. */
  #latest = emptyBatch()
  /** And those before, the latest first. */
  #earlier: Batch[] = []
  /**
   * Delivered as pending: the end of these is pushed, though it may be timed before the
   * subscription.
   */
  readonly #pending = new Map<string, number>()
  /** What ended before is not pushed. Unknown at first: then every end is. */
  #sinceMs: number | undefined

  /** The first counts. */
  setSince(sinceMs: number): void {
    this.#sinceMs ??= sinceMs
  }

  /**
   * Whether this state of an order is new to the subscriber. A snapshot has the present state, new
   * or not.
   */
  shouldPush(order: Order, isSnapshot: boolean): boolean {
    const version = versionOf(order)
    const delivered = this.#deliveredVersion(order)
    if (delivered !== undefined) return isSnapshot ? version >= delivered : version > delivered
    if (!isAtRest(order)) return true
    return this.#sinceMs === undefined || Date.parse(order.updated_at) >= this.#sinceMs
  }

  markDelivered(order: Order): void {
    if (versionOf(order) < (this.#deliveredVersion(order) ?? 0)) return
    if (isAtRest(order)) this.#markEnd(order)
    else this.#markPending(order)
  }

  #deliveredVersion({ order_id }: Order): number | undefined {
    const pending = this.#pending.get(order_id)
    if (pending !== undefined) return pending
    const latest = this.#latest.versions.get(order_id)
    if (latest !== undefined) return latest
    return this.#earlier.find(({ versions }) => versions.has(order_id))?.versions.get(order_id)
  }

  /**
   * When too many are pending, the end of any order is pushed, also of those that ended before the
   * subscription.
   */
  #markPending(order: Order): void {
    this.#pending.set(order.order_id, versionOf(order))
    if (this.#pending.size <= maxRemembered) return
    this.#pending.clear()
    this.#sinceMs = Number.NEGATIVE_INFINITY
  }

  #markEnd(order: Order): void {
    this.#pending.delete(order.order_id)
    if (this.#latest.versions.size === batchSize) this.#closeBatch()
    this.#latest.versions.set(order.order_id, versionOf(order))
    this.#latest.newestEndMs = Math.max(this.#latest.newestEndMs, Date.parse(order.updated_at))
  }

  /**
   * Forgets the batches of orders at rest that all ended before the horizon, but for the last few
   * orders. Once the horizon has passed the subscription, no end can come any more that is timed
   * before the subscription.
   */
  expireDelivered(horizonMs: number): void {
    if (this.#sinceMs !== undefined && this.#sinceMs < horizonMs) this.#pending.clear()
    this.#closeBatch()
    let newer = 0
    this.#earlier = this.#earlier.filter(({ versions, newestEndMs }) => {
      const isKept = newer < minRemembered || newestEndMs >= horizonMs
      newer += versions.size
      return isKept
    })
  }

  #closeBatch(): void {
    if (this.#latest.versions.size === 0) return
    this.#earlier.unshift(this.#latest)
    this.#latest = emptyBatch()
    while (sizeOf(this.#earlier) > maxRemembered - batchSize) this.#earlier.pop()
  }
}

/** Such a status ends the subscription of its order. */
export const isAtRest = ({ status }: Order): boolean => !isPending(status)

/**
 * Which of two states of an order is later: `updated_at` grows with each change. Orders of before
 * that was so may have begun and ended in one millisecond.
 */
export const versionOf = (order: Order): number =>
  2 * Date.parse(order.updated_at) + (isAtRest(order) ? 1 : 0)

const emptyBatch = (): Batch => ({ versions: new Map(), newestEndMs: Number.NEGATIVE_INFINITY })

const sizeOf = (batches: Batch[]): number =>
  batches.reduce((sum, { versions }) => sum + versions.size, 0)
