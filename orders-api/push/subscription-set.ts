import type { Order } from '#contracts/orders-http.ts'
import type { Target } from './subscriber.ts'
import { isFinal, UserSubscription } from './user-subscription.ts'

/** The subscriptions of one subscriber, and what was delivered to it. Decides only: no clock, no socket, no query. */
export class SubscriptionSet {
  /** With the status that was delivered last; undefined before the first delivery. */
  readonly #orders = new Map<string, Order['status'] | undefined>()
  readonly #users = new Map<string, UserSubscription>()

  get size(): number {
    return this.#orders.size + this.#users.size
  }

  has({ kind, id }: Target): boolean {
    return kind === 'order' ? this.#orders.has(id) : this.#users.has(id)
  }

  /** An order that is added again is pushed again, whatever was delivered. A user is not. */
  add({ kind, id }: Target): void {
    if (kind === 'order') this.#orders.set(id, undefined)
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

  /** Records this state of an order as delivered. True: it is new to the subscriber and has to be pushed. */
  deliver(order: Order): boolean {
    const user = this.#users.get(order.user_id)
    const isSubscribed = this.#orders.has(order.order_id)
    if (!isSubscribed && !user?.shouldPush(order)) return false
    user?.markDelivered(order)
    const last = this.#orders.get(order.order_id)
    if (isSubscribed) this.#orders.set(order.order_id, order.status)
    return isFinal(order) || last === undefined
  }

  /** See UserSubscription. */
  expireDelivered(horizonMs: number): void {
    for (const user of this.#users.values()) user.expireDelivered(horizonMs)
  }
}
