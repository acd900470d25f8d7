import type { Order } from '#contracts/orders-http.ts'

/** What one connection wants to know, and what it has been told. */
interface Watch {
  /** Watched orders, with the status last sent; undefined while nothing was sent. */
  orders: Map<string, Order['status'] | undefined>
  users: Map<string, WatchedUser>
}

interface WatchedUser {
  /** The final orders it was told of lately (order id to updated_at). */
  told: Map<string, string>
  /** Those it was sent as pending: however late their end is heard of, it is news. */
  pending: Set<string>
  /** What else had ended before is no news. Unknown at first: then everything is. */
  sinceMs: number
}

export type SubscribeResult = 'ok' | 'too-many'

const unknown = Number.NEGATIVE_INFINITY

/** Final orders are remembered per watched user at least so long, so that none is sent twice. */
const memoryMs = 10 * 60_000
const memorySize = 1_000

/**
 * Who is to be sent what, for any kind of connection. It decides only: no clock, no socket, no
 * query. Register first and read the order afterwards: then nothing falls between.
 */
export class Subscriptions<Connection> {
  readonly #watches = new Map<Connection, Watch>()
  readonly #byOrder = new Map<string, Set<Connection>>()
  readonly #byUser = new Map<string, Set<Connection>>()
  readonly #limit: number

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
    watch.users.set(userId, { told: new Map(), pending: new Set(), sinceMs: unknown })
    addTo(this.#byUser, userId, connection)
    return 'ok'
  }

  /** By the clock that orders are timed by, a moment not later than the subscription; the first counts. */
  setUserSince(connection: Connection, userId: string, sinceMs: number): void {
    const user = this.#watches.get(connection)?.users.get(userId)
    if (user?.sinceMs === unknown) user.sinceMs = sinceMs
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

  #isNews(connection: Connection, order: Order): boolean {
    const watch = this.#watchOf(connection)
    const user = watch.users.get(order.user_id)
    const watched = watch.orders.has(order.order_id)
    if (!watched && (!user || isOld(user, order))) return false

    const last = watch.orders.get(order.order_id)
    if (order.status === 'PAYMENT_PENDING') {
      if (watched) watch.orders.set(order.order_id, order.status)
      user?.pending.add(order.order_id)
      return last === undefined
    }
    if (watched) this.unsubscribeOrder(connection, order.order_id)
    if (user) remember(user, order)
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

function isOld({ told, pending, sinceMs }: WatchedUser, order: Order): boolean {
  if (told.has(order.order_id)) return true
  if (pending.has(order.order_id)) return false
  return order.status !== 'PAYMENT_PENDING' && Date.parse(order.updated_at) < sinceMs
}

/** Bounded: what is both old and many is forgotten, oldest first. */
function remember({ told, pending }: WatchedUser, order: Order): void {
  pending.delete(order.order_id)
  told.set(order.order_id, order.updated_at)
  if (told.size <= memorySize) return
  const horizon = Date.parse(order.updated_at) - memoryMs
  for (const [orderId, updatedAt] of told) {
    if (Date.parse(updatedAt) >= horizon) return
    told.delete(orderId)
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
