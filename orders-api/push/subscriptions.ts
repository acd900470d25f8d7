import type { Order } from '#contracts/orders-http.ts'
import { Multimap } from './multimap.ts'
import type { Target } from './subscriber.ts'
import { SubscriptionSet } from './subscription-set.ts'
import { isAtRest } from './user-subscription.ts'

export type SubscribeResult = 'ok' | 'too-many'

const never = Number.NEGATIVE_INFINITY

/**
 * The fan-out: which subscribers receive which state of an order. Decides only: no clock, no
 * socket, no query. Subscribe first and read the order afterwards: then no change falls between.
 */
export class Subscriptions<Subscriber> {
  readonly #sets = new Map<Subscriber, SubscriptionSet>()
  readonly #index = {
    order: new Multimap<string, Subscriber>(),
    user: new Multimap<string, Subscriber>(),
  }
  readonly #limit: number
  readonly #maySee: (subscriber: Subscriber, userId: string) => boolean
  /** Counts the subscriptions: a read that began before one has a smaller number. */
  #sequence = 0
  /** The end time of the newest order that was delivered to a user subscription lately. */
  #newestEndMs = never
  #retainers = 0

  /**
   * `limit`: orders and users together that one subscriber may subscribe to. `maySee`: whether it
   * is shown the orders of a user. Who subscribes to an order names no user: each delivery asks.
   */
  constructor(limit: number, maySee: (subscriber: Subscriber, userId: string) => boolean) {
    this.#limit = limit
    this.#maySee = maySee
  }

  /** Tells what was read before a subscription from what was read after it. */
  get sequence(): number {
    return this.#sequence
  }

  /** To an order that is subscribed already: its present state is pushed again. */
  subscribe(subscriber: Subscriber, target: Target): SubscribeResult {
    const set = this.#sets.get(subscriber) ?? new SubscriptionSet()
    this.#sets.set(subscriber, set)
    if (!set.has(target) && set.size >= this.#limit) return 'too-many'
    set.add(target, ++this.#sequence)
    this.#index[target.kind].add(target.id, subscriber)
    return 'ok'
  }

  /**
   * `sinceMs`: by the clock that times orders, a moment not later than the subscription; the first
   * counts.
   */
  setUserSince(subscriber: Subscriber, userId: string, sinceMs: number): void {
    this.#sets.get(subscriber)?.user(userId)?.setSince(sinceMs)
  }

  unsubscribe(subscriber: Subscriber, target: Target): void {
    this.#sets.get(subscriber)?.delete(target)
    this.#index[target.kind].delete(target.id, subscriber)
  }

  remove(subscriber: Subscriber): void {
    for (const target of this.#sets.get(subscriber)?.targets() ?? []) {
      this.unsubscribe(subscriber, target)
    }
    this.#sets.delete(subscriber)
  }

  /** Every subscriber that was not removed, with subscriptions or without. */
  subscribers(): Subscriber[] {
    return [...this.#sets.keys()]
  }

  counts(): { order: number; user: number } {
    const counts = { order: 0, user: 0 }
    for (const set of this.#sets.values()) {
      counts.order += set.counts.order
      counts.user += set.counts.user
    }
    return counts
  }

  /** Every subscribed order, to be read again after a gap. */
  orderIds(): string[] {
    return this.#index.order.keys()
  }

  userIds(): string[] {
    return this.#index.user.keys()
  }

  /** Which of these orders may be subscribed: with a subscribed user, any order may be theirs. */
  subscribed(orderIds: string[]): string[] {
    const { order, user } = this.#index
    return user.size > 0 ? orderIds : orderIds.filter((id) => order.has(id))
  }

  /**
   * Marks this state as delivered to every subscriber that has to receive it, and returns them,
   * each once: the caller pushes. A status at rest ends the subscription of its order. `readAt`:
   * the `sequence` of before the read.
   */
  deliver(order: Order, readAt = this.#sequence): Subscriber[] {
    const candidates = new Set([
      ...this.#index.order.get(order.order_id),
      ...this.#index.user.get(order.user_id),
    ])
    const read = { readAt, isSnapshot: false }
    return [...candidates].filter((subscriber) => this.#deliverTo(subscriber, order, read))
  }

  /** The same for one subscriber and its snapshot. True: the caller pushes. */
  deliverTo = (subscriber: Subscriber, order: Order): boolean =>
    this.#deliverTo(subscriber, order, { readAt: this.#sequence, isSnapshot: true })

  #deliverTo(
    subscriber: Subscriber,
    order: Order,
    read: { readAt: number; isSnapshot: boolean },
  ): boolean {
    if (!this.#maySee(subscriber, order.user_id)) return false
    const set = this.#sets.get(subscriber)
    const delivery = set?.deliver(order, read) ?? 'nothing'
    if (delivery === 'nothing') return false
    if (delivery === 'ended') {
      this.unsubscribe(subscriber, { kind: 'order', id: order.order_id })
    }
    if (isAtRest(order) && set?.user(order.user_id)) {
      this.#newestEndMs = Math.max(this.#newestEndMs, Date.parse(order.updated_at))
    }
    return true
  }

  /**
   * A change was missed or could not be read, and will be read later: until the returned function
   * is called, every delivery is remembered, so that none is pushed again then.
   */
  retainDelivered(): () => void {
    this.#retainers++
    return () => this.#retainers--
  }

  /**
   * To be called when no change is missed. What is missed later is read again from less than
   * `marginMs` before this moment, so orders that ended earlier need not be remembered. By the
   * times of the orders delivered since the last call alone: a clock that was wrong for a while has
   * no lasting effect.
   */
  expireDelivered(marginMs: number): void {
    if (this.#retainers > 0) return
    const horizonMs = this.#newestEndMs - marginMs
    this.#newestEndMs = never
    for (const set of this.#sets.values()) set.expireDelivered(horizonMs)
  }
}
