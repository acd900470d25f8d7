import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import { listen } from '#chassis/database/listener.ts'
import type { Place } from '#chassis/http/cursor.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { pendingStatuses } from '#contracts/order-states.ts'
import { orderIdsIn, orderStatusChannel } from '#contracts/order-status.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { orderOf } from './order-answer.ts'
import { listOrders, type OrderRow, readOrders, readSettledOrders, readTime } from './rows.ts'
import { type Portion, Snapshots } from './status-snapshots.ts'
import { type SubscribeResult, Subscriptions } from './subscriptions.ts'

/** One who watches. Its functions must not throw. */
export interface Watcher {
  send: (order: Order) => void
  /** There is no such order; it is not followed any more. */
  sendUnknown: (orderId: string) => void
  /** Resolves when most of what was sent is on its way, or nothing can be sent any more. */
  drained: () => Promise<void>
  /** What it follows could not be read for too long: it should look for another replica. */
  giveUp: () => void
}

export interface StatusFeedOptions {
  name: string
  db: Database<OrdersDatabase>
  url: string
  logger: Logger
  /** Orders and users together that one watcher may follow. */
  limit: number
  /** A watcher to whom nothing could be told for so long is given up. */
  maxSilenceMs?: number
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

/** A minute: longer than a restart of the database takes, and no longer than a watcher need wait in vain. */
const maxSilenceMsDefault = 60_000

/** So many pending orders of a user are read and sent at a time. */
const portionSize = 1_000

/** So many watched users are asked for in one statement, which reads all orders that they ever had. */
const usersAtOnce = 100

const never = Number.POSITIVE_INFINITY

/**
 * Follows the status of orders and tells the watchers, on whichever replica the change happened.
 *
 * A NOTIFY only says which orders to read. Watchers are registered before the order is read, and
 * everything is read again whenever LISTEN was lost: nothing falls between.
 */
export class StatusFeed {
  readonly #options: StatusFeedOptions
  readonly #subscriptions: Subscriptions<Watcher>
  readonly #snapshots: Snapshots<Watcher>
  readonly #changed = new Set<string>()
  readonly #stop = new AbortController()
  readonly #outage: Outage
  readonly #listener: ReturnType<typeof listen>
  #isReading = false
  #reading = Promise.resolve()
  /** What may have been missed since then, by our own clock, is still to be read. */
  #missedSinceMs = never
  #isCatchingUp = false

  constructor(options: StatusFeedOptions) {
    this.#options = options
    this.#outage = new Outage({ logger: options.logger, what: 'orders cannot be read' })
    this.#subscriptions = new Subscriptions(options.limit)
    this.#snapshots = new Snapshots({
      outage: this.#outage,
      signal: this.#stop.signal,
      onFailing: (watcher, ms) => this.#isTooLong(ms) && watcher.giveUp(),
    })
    this.#listener = listen({
      ...options,
      channel: orderStatusChannel,
      onNotify: (payload) => this.#read(orderIdsIn(payload)),
      onListen: (deafMs) => this.#catchUp(deafMs),
      onDeaf: (deafMs) => this.#catchUp(deafMs),
      onAlive: () => this.#subscriptions.forgetTold(memoryMs),
    })
  }

  /** Whether changes are heard of at once; if not, watchers are told some seconds late. */
  isListening(): boolean {
    return this.#listener.isHearing()
  }

  /** Whether what has changed can be read; if not, watchers wait. */
  isReadable(): boolean {
    return !this.#outage.has(this.#readChanged) && !this.#outage.has(this.#readMissed)
  }

  /** For readiness checks: throw, saying why, where the answer is no. */
  assertListening(): void {
    this.#listener.assertHearing()
  }

  assertReading(): void {
    if (!this.isReadable()) this.#outage.assertOver()
  }

  /**
   * Follows an order, and sends its present state as soon as it can be read. Resolves when it was sent, or when
   * the database does not answer.
   */
  async followOrder(watcher: Watcher, orderId: string): Promise<SubscribeResult> {
    const result = this.#subscriptions.subscribeOrder(watcher, orderId)
    if (result !== 'ok') return result
    await this.#snapshots.owe(watcher, `order ${orderId}`, async (isWanted) => {
      const [row] = await readOrders(this.#options.db, [orderId])
      if (!isWanted()) return true
      if (row) this.#sendSnapshot(watcher, [row])
      else {
        this.#subscriptions.unsubscribeOrder(watcher, orderId)
        watcher.sendUnknown(orderId)
      }
      return true
    })
    return 'ok'
  }

  /** The same for all orders of a user: sends those that are pending, the first portion at least. */
  async followUser(watcher: Watcher, userId: string): Promise<SubscribeResult> {
    const result = this.#subscriptions.subscribeUser(watcher, userId)
    if (result !== 'ok') return result
    await this.#snapshots.owe(watcher, `user ${userId}`, this.#pendingOrders(watcher, userId))
    return 'ok'
  }

  unfollowOrder(watcher: Watcher, orderId: string): void {
    this.#snapshots.cancel(watcher, `order ${orderId}`)
    this.#subscriptions.unsubscribeOrder(watcher, orderId)
  }

  unfollowUser(watcher: Watcher, userId: string): void {
    this.#snapshots.cancel(watcher, `user ${userId}`)
    this.#subscriptions.unsubscribeUser(watcher, userId)
  }

  forget(watcher: Watcher): void {
    this.#snapshots.forget(watcher)
    this.#subscriptions.remove(watcher)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#listener.close()
    await this.#reading
  }

  /**
   * A portion is read when the one before has left, and sent when it is read: what waits grows old, and the
   * end of an order is remembered for a short while only.
   */
  #pendingOrders(watcher: Watcher, userId: string): Portion {
    const { db } = this.#options
    const followedMs = performance.now()
    let isTimed = false
    let after: Place | undefined
    return async (isWanted) => {
      if (!isTimed) {
        const nowMs = (await readTime(db)).getTime() - (performance.now() - followedMs)
        this.#subscriptions.setUserSince(watcher, userId, nowMs - settlingMarginMs)
        isTimed = true
      }
      await watcher.drained()
      const page = { userId, statuses: pendingStatuses, after, limit: portionSize }
      const rows = await listOrders(db, page)
      if (isWanted()) this.#sendSnapshot(watcher, rows)
      const last = rows.at(-1)
      if (last) after = { created_at: last.created_at, id: last.order_id }
      return rows.length < portionSize
    }
  }

  #isTooLong(failingMs: number): boolean {
    return failingMs > (this.#options.maxSilenceMs ?? maxSilenceMsDefault)
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
    this.#reading = this.#untilDone(this.#readChanged).finally(() => {
      this.#isReading = false
    })
  }

  readonly #readChanged = async (): Promise<void> => {
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
    this.#read(this.#subscriptions.orderIds())
    const sinceMs = performance.now() - deafMs - commitMarginMs
    this.#missedSinceMs = Math.min(this.#missedSinceMs, sinceMs)
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    const release = this.#subscriptions.holdTold()
    void this.#untilDone(this.#readMissed).finally(() => {
      this.#isCatchingUp = false
      release()
    })
  }

  /** What became final since then, of all watched users; and again if something was missed meanwhile. */
  readonly #readMissed = async (): Promise<void> => {
    while (this.#missedSinceMs !== never) {
      const sinceMs = this.#missedSinceMs
      this.#missedSinceMs = never
      try {
        await this.#readSettled(this.#subscriptions.userIds(), sinceMs)
      } catch (error) {
        this.#missedSinceMs = Math.min(this.#missedSinceMs, sinceMs)
        throw error
      }
    }
  }

  async #readSettled(userIds: string[], sinceMs: number): Promise<void> {
    for (let first = 0; first < userIds.length; first += usersAtOnce) {
      const some = userIds.slice(first, first + usersAtOnce)
      const lastMs = Math.ceil(performance.now() - sinceMs)
      this.#tell(await readSettledOrders(this.#options.db, some, lastMs))
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
        if (failures === 0) release = this.#subscriptions.holdTold()
        if (this.#isTooLong(this.#outage.failed(error, read))) this.#giveUpAll()
        await pause(backoffMs(failures), signal)
      }
    }
    if (!signal.aborted) this.#outage.over(read)
    release()
  }

  #giveUpAll(): void {
    for (const watcher of this.#subscriptions.connections()) watcher.giveUp()
  }

  #tell(rows: OrderRow[]): void {
    for (const order of rows.map(orderOf)) {
      for (const watcher of this.#subscriptions.receiversOf(order)) watcher.send(order)
    }
  }
}
