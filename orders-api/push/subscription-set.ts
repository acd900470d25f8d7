import type { Order } from '#contracts/orders-http.ts'
import type { Target } from './subscriber.ts'
import { isAtRest, UserSubscription, versionOf } from './user-subscription.ts'

/**
 * What a read of an order makes of a subscriber's subscriptions. `ended`: pushed, and that of the
 * order is over.
 */
export type Delivery = 'nothing' | 'pushed' | 'ended'

interface OrderSubscription {
  /** The `sequence` of Subscriptions when it was made. */
  since: number
  /** The version that was delivered last; undefined before the first delivery. */
  version: number | undefined
}

/**
 * The subscriptions of one subscriber, and what was delivered to it. Decides only: no clock, no
 * socket, no query.
 */
export class SubscriptionSet {
  readonly #orders = new Map<string, OrderSubscription>()
  readonly #users = new Map<string, UserSubscription>()

  get size(): number {
    return this.#orders.size + this.#users.size
  }

  get counts(): { order: number; user: number } {
    return { order: this.#orders.size, user: this.#users.size }
  }

  has({ kind, id }: Target): boolean {
    return kind === 'order' ? this.#orders.has(id) : this.#users.has(id)
  }

  /** An order that is added again is pushed again, whatever was delivered. A user is not. */
  add({ kind, id }: Target, since: number): void {
    if (kind === 'order') this.#orders.set(id, { since, version: undefined })
    else if (!this.#users.has(id)) this.#users.set(id, new UserSubscription())
  }

  delete({ kind, id }: Target): void {
    if (kind === 'order') this.#orders.delete(id)
    else this.#users.delete(id)
  }

  targets(): Target[] {
    return [
      ...[...this.#orders.keys()].map((id) => ({ kind: 'order', id }) as const),
      ...[...this.#users.keys()].map((id) => ({ kind: 'user', id }) as const),
    ]
  }

  user(userId: string): UserSubscription | undefined {
    return this.#users.get(userId)
  }

  /**
   * Records this state of an order as delivered, if it is new to the subscriber and has to be
   * pushed. What was read before an order was subscribed is no news of it: the order may have left
   * a state at rest since.
   */
  deliver(order: Order, { readAt, isSnapshot }: { readAt: number; isSnapshot: boolean }): Delivery {
    const user = this.#users.get(order.user_id)
    const own = this.#orders.get(order.order_id)
    const version = versionOf(order)
    const isNews = own && own.since <= readAt && version > (own.version ?? Number.NEGATIVE_INFINITY)
    if (!isNews && !user?.shouldPush(order, isSnapshot)) return 'nothing'
    user?.markDelivered(order)
    if (isNews) own.version = version
    return isNews && isAtRest(order) ? 'ended' : 'pushed'
  }

  /** See UserSubscription. */
  expireDelivered(horizonMs: number): void {
    for (const user of this.#users.values()) user.expireDelivered(horizonMs)
  }
}
