import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'
import { WatchedUser } from './watched-user.ts'

/** What one connection wants to know, and what it has been told. */
interface Watch {
  /** Watched orders, with the status last sent; undefined while nothing was sent. */
  orders: Map<string, Order['status'] | undefined>
  users: Map<string, WatchedUser>
}

export type SubscribeResult = 'ok' | 'too-many'

const never = Number.NEGATIVE_INFINITY

/**
 * Who is to be sent what, for any kind of connection. It decides only: no clock, no socket, no
 * query. Register first and read the order afterwards: then nothing falls between.
 */
export class Subscriptions<Connection> {
  readonly #watches = new Map<Connection, Watch>()
  readonly #byOrder = new Map<string, Set<Connection>>()
  readonly #byUser = new Map<string, Set<Connection>>()
  readonly #limit: number
  /** When the latest of those orders ended of which a watcher of their user was told of late. */
  #latestMs = never
  /** By so many, everything is remembered that was told. */
  #holders = 0

  /** At most `limit` orders and users together for each connection. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Once more: then its present state is news again. */
  subscribeOrder(connection: Connection, orderId: string): SubscribeResult {
    const watch = this.#watchOf(connection)
    if (!watch.orders.has(orderId) && this.#isFull(watch)) return 'too-many'
    watch.orders.set(orderId, undefined)
    addTo(this.#byOrder, orderId, connection)
    return 'ok'
  }

  subscribeUser(connection: Connection, userId: string): SubscribeResult {
    const watch = this.#watchOf(connection)
    if (watch.users.has(userId)) return 'ok'
    if (this.#isFull(watch)) return 'too-many'
    watch.users.set(userId, new WatchedUser())
    addTo(this.#byUser, userId, connection)
    return 'ok'
  }

  /** By the clock that orders are timed by, a moment not later than the subscription; the first counts. */
  setUserSince(connection: Connection, userId: string, sinceMs: number): void {
    this.#watches.get(connection)?.users.get(userId)?.setSince(sinceMs)
  }

  unsubscribeOrder(connection: Connection, orderId: string): void {
    this.#watches.get(connection)?.orders.delete(orderId)
    removeFrom(this.#byOrder, orderId, connection)
  }

  unsubscribeUser(connection: Connection, userId: string): void {
    this.#watches.get(connection)?.users.delete(userId)
    removeFrom(this.#byUser, userId, connection)
  }

  remove(connection: Connection): void {
    const watch = this.#watches.get(connection)
    for (const orderId of watch?.orders.keys() ?? []) removeFrom(this.#byOrder, orderId, connection)
    for (const userId of watch?.users.keys() ?? []) removeFrom(this.#byUser, userId, connection)
    this.#watches.delete(connection)
  }

  /** Whoever follows something, or has followed something. */
  connections(): Connection[] {
    return [...this.#watches.keys()]
  }

  /** All watched orders, to be read again after the feed was interrupted. */
  orderIds(): string[] {
    return [...this.#byOrder.keys()]
  }

  userIds(): string[] {
    return [...this.#byUser.keys()]
  }

  /** Which of these orders anybody might want: with a watched user, any order may be theirs. */
  wanted(orderIds: string[]): string[] {
    return this.#byUser.size > 0 ? orderIds : orderIds.filter((id) => this.#byOrder.has(id))
  }

  /**
   * Who has to be sent this state of an order: each connection once, and none that knows it. A
   * final status ends the subscription of its order.
   */
  receiversOf(order: Order): Connection[] {
    const watchers = new Set([
      ...(this.#byOrder.get(order.order_id) ?? []),
      ...(this.#byUser.get(order.user_id) ?? []),
    ])
    return [...watchers].filter((connection) => this.#isNews(connection, order))
  }

  /** Whether one connection has to be sent this state, for the snapshot it gets at the beginning. */
  isNewsTo(connection: Connection, order: Order): boolean {
    return this.#watches.has(connection) && this.#isNews(connection, order)
  }

  /**
   * Something was missed, or could not be read, and will be read later: until the returned function
   * is called, whatever was told is remembered, so that it is not told again then.
   */
  holdTold(): () => void {
    this.#holders++
    return () => this.#holders--
  }

  /**
   * Nothing is missed at this moment, and what may be missed later is read again from less than
   * `marginMs` before it: so what ended earlier need not be remembered any more. By the times of the
   * orders alone, and by those told since the last time: a clock that was wrong is forgotten, too.
   */
  forgetTold(marginMs: number): void {
    if (this.#holders > 0) return
    const horizonMs = this.#latestMs - marginMs
    this.#latestMs = never
    for (const { users } of this.#watches.values()) {
      for (const user of users.values()) user.forgetBefore(horizonMs)
    }
  }

  #isNews(connection: Connection, order: Order): boolean {
    const watch = this.#watchOf(connection)
    const user = watch.users.get(order.user_id)
    const watched = watch.orders.has(order.order_id)
    if (!watched && (!user || user.knows(order))) return false

    const last = watch.orders.get(order.order_id)
    if (isPending(order.status)) {
      if (watched) watch.orders.set(order.order_id, order.status)
      user?.rememberPending(order)
      return last === undefined
    }
    if (watched) this.unsubscribeOrder(connection, order.order_id)
    if (user) this.#latestMs = Math.max(this.#latestMs, user.rememberEnd(order))
    return true
  }

  #watchOf(connection: Connection): Watch {
    const known = this.#watches.get(connection)
    if (known) return known
    const watch: Watch = { orders: new Map(), users: new Map() }
    this.#watches.set(connection, watch)
    return watch
  }

  #isFull(watch: Watch): boolean {
    return watch.orders.size + watch.users.size >= this.#limit
  }
}

function addTo<C>(index: Map<string, Set<C>>, id: string, connection: C): void {
  const set = index.get(id)
  if (set) set.add(connection)
  else index.set(id, new Set([connection]))
}

function removeFrom<C>(index: Map<string, Set<C>>, id: string, connection: C): void {
  const set = index.get(id)
  set?.delete(connection)
  if (set?.size === 0) index.delete(id)
}
