import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import { listen } from '#chassis/database/listener.ts'
import type { Logger } from '#chassis/logger.ts'
import { pause } from '#chassis/pause.ts'
import { orderIdsIn, orderStatusChannel } from '#contracts/order-status.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { orderOf } from './order-answer.ts'
import {
  type OrderRow,
  readOrders,
  readPendingOrders,
  readSettledOrders,
  readTime,
} from './rows.ts'
import { type SubscribeResult, Subscriptions } from './subscriptions.ts'

/** One who watches: `send` must not throw. */
export interface Watcher {
  send: (order: Order) => void
}

export interface StatusFeedOptions {
  name: string
  db: Database<OrdersDatabase>
  url: string
  logger: Logger
  /** Orders and users together that one watcher may follow. */
  limit: number
}

/**
 * A transaction that settles orders may commit this much later than the time it wrote, so after
 * deafness we look back a little further. Whoever was told already is not told again: it is
 * remembered for a little longer than that.
 */
const commitMarginMs = 15_000
const memoryMs = commitMarginMs + 5_000

/** The same, at the beginning of a subscription: small, since what ended before it is no news. */
const settlingMarginMs = 2_000

/** So many watched users are asked for in one statement, which reads all orders that they ever had. */
const usersAtOnce = 100

/**
 * Follows the status of orders and tells the watchers, on whichever replica the change happened.
 *
 * A NOTIFY only says which orders to read. Watchers are registered before the order is read, and
 * everything is read again whenever LISTEN was lost: nothing falls between.
 */
export class StatusFeed {
  readonly #options: StatusFeedOptions
  readonly #subscriptions: Subscriptions<Watcher>
  readonly #changed = new Set<string>()
  readonly #stop = new AbortController()
  readonly #listener: ReturnType<typeof listen>
  #isReading = false
  #reading = Promise.resolve()

  constructor(options: StatusFeedOptions) {
    this.#options = options
    this.#subscriptions = new Subscriptions(options.limit)
    this.#listener = listen({
      ...options,
      channel: orderStatusChannel,
      onNotify: (payload) => this.#read(orderIdsIn(payload)),
      onListen: (deafMs) => this.#catchUp(deafMs),
      onAlive: () => this.#subscriptions.forgetTold(memoryMs),
    })
  }

  /** Follows an order and sends its present state; `unknown` when there is none. */
  async followOrder(watcher: Watcher, orderId: string): Promise<SubscribeResult | 'unknown'> {
    const result = this.#subscriptions.subscribeOrder(watcher, orderId)
    if (result !== 'ok') return result
    const [row] = await readOrders(this.#options.db, [orderId]).catch((error) => {
      this.#subscriptions.unsubscribeOrder(watcher, orderId)
      throw error
    })
    if (row) this.#sendSnapshot(watcher, [row])
    else this.#subscriptions.unsubscribeOrder(watcher, orderId)
    return row ? 'ok' : 'unknown'
  }

  /** Follows all orders of a user and sends those that are pending. */
  async followUser(watcher: Watcher, userId: string): Promise<SubscribeResult> {
    const result = this.#subscriptions.subscribeUser(watcher, userId)
    if (result !== 'ok') return result
    try {
      const { db } = this.#options
      const nowMs = (await readTime(db)).getTime()
      this.#subscriptions.setUserSince(watcher, userId, nowMs - settlingMarginMs)
      this.#sendSnapshot(watcher, await readPendingOrders(db, [userId]))
    } catch (error) {
      this.#subscriptions.unsubscribeUser(watcher, userId)
      throw error
    }
    return 'ok'
  }

  unfollowOrder(watcher: Watcher, orderId: string): void {
    this.#subscriptions.unsubscribeOrder(watcher, orderId)
  }

  unfollowUser(watcher: Watcher, userId: string): void {
    this.#subscriptions.unsubscribeUser(watcher, userId)
  }

  forget(watcher: Watcher): void {
    this.#subscriptions.remove(watcher)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#listener.close()
    await this.#reading
  }

  #sendSnapshot(watcher: Watcher, rows: OrderRow[]): void {
    for (const order of rows.map(orderOf)) {
      if (this.#subscriptions.isNewsTo(watcher, order)) watcher.send(order)
    }
  }

  /** Reads orders that may have changed, one query at a time, those that came meanwhile together. */
  #read(orderIds: string[]): void {
    for (const id of this.#subscriptions.wanted(orderIds)) this.#changed.add(id)
    if (this.#isReading || this.#changed.size === 0) return
    this.#isReading = true
    this.#reading = this.#untilDone(() => this.#readChanged()).finally(() => {
      this.#isReading = false
    })
  }

  async #readChanged(): Promise<void> {
    while (this.#changed.size > 0) {
      const ids = [...this.#changed]
      this.#changed.clear()
      try {
        this.#tell(await readOrders(this.#options.db, ids))
      } catch (error) {
        for (const id of ids) this.#changed.add(id)
        throw error
      }
    }
  }

  #catchUp(deafMs: number): void {
    const userIds = this.#subscriptions.userIds()
    this.#read(this.#subscriptions.orderIds())
    if (userIds.length === 0) return
    const sinceMs = performance.now() - deafMs - commitMarginMs
    const release = this.#subscriptions.holdTold()
    void this.#readSettled(userIds, sinceMs).finally(release)
  }

  async #readSettled(userIds: string[], sinceMs: number): Promise<void> {
    for (let first = 0; first < userIds.length; first += usersAtOnce) {
      const some = userIds.slice(first, first + usersAtOnce)
      await this.#untilDone(async () => {
        const lastMs = Math.ceil(performance.now() - sinceMs)
        this.#tell(await readSettledOrders(this.#options.db, some, lastMs))
      })
    }
  }

  /** Tries until the database has answered, or until closed. What it reads late may be told meanwhile. */
  async #untilDone(read: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop
    let release = () => {}
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await read()
        break
      } catch (error) {
        if (failures === 0) {
          this.#options.logger.warn({ err: error }, 'orders cannot be read')
          release = this.#subscriptions.holdTold()
        }
        await pause(backoffMs(failures), signal)
      }
    }
    release()
  }

  #tell(rows: OrderRow[]): void {
    for (const order of rows.map(orderOf)) {
      for (const watcher of this.#subscriptions.receiversOf(order)) watcher.send(order)
    }
  }
}
