/** What a connection can be told to follow: an order or a user. */
export type Target = { order_id: string } | { user_id: string }

/** How many subscriptions the server takes on a connection. */
export const mostSubscribed = 100

/**
 * What a client wants to follow, and what its present connection follows of it. Who wants more than
 * a connection takes gets the rest as soon as orders end.
 */
export class Followed {
  readonly #wanted = new Map<string, Target>()
  readonly #subscribed = new Set<string>()

  /** Orders and users that are followed, or wait for their turn. */
  get size(): number {
    return this.#wanted.size
  }

  has(target: Target): boolean {
    return this.#wanted.has(keyOf(target))
  }

  want(target: Target): void {
    this.#wanted.set(keyOf(target), target)
  }

  /** Says whether the connection knows of it and has to be told. */
  forget(target: Target): boolean {
    this.#wanted.delete(keyOf(target))
    return this.#subscribed.delete(keyOf(target))
  }

  /** A new connection follows nothing yet. */
  reconnected(): void {
    this.#subscribed.clear()
  }

  /** What to subscribe to now. From here on it counts as subscribed. */
  takeNext(): Target[] {
    const free = mostSubscribed - this.#subscribed.size
    const next = [...this.#wanted].filter(([key]) => !this.#subscribed.has(key)).slice(0, free)
    for (const [key] of next) this.#subscribed.add(key)
    return next.map(([, target]) => target)
  }
}

const keyOf = (target: Target): string =>
  'order_id' in target ? `order ${target.order_id}` : `user ${target.user_id}`
