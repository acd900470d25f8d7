import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { orderIdsIn, orderStatusChannel } from '#contracts/order-status.ts'
import { listen } from '#messaging/index.ts'
import { Principal } from '#principal/principal.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { toOrderResponse } from '../order-response.ts'
import type { OrderRow } from '../rows.ts'
import { Backfill, rememberedMs } from './backfill.ts'
import { ChangedOrders } from './changed-orders.ts'
import { PushTraces } from './push-traces.ts'
import { readChangedOrders, readOrders } from './rows.ts'
import { SnapshotQueue } from './snapshot-queue.ts'
import { orderSnapshot, userSnapshot } from './snapshots.ts'
import type { Subscriber, Target } from './subscriber.ts'
import { type SubscribeResult, Subscriptions } from './subscriptions.ts'
import { inTurns } from './turns.ts'

export interface StatusFeedOptions {
  name: string
  db: Database<OrdersDatabase>
  url: string
  logger: Logger
  /** Orders and users together that one subscriber may subscribe to. */
  limit: number
  observer?: Parameters<typeof listen>[0]['observer']
  tracing?: Tracing | undefined
  /** A subscriber for which nothing could be read for so long is disconnected. */
  maxSilenceMs?: number
}

/** A change is read once for all subscribers; each delivery then asks who may see it. */
const everybody = Principal.unrestricted
const maySee = ({ principal }: Subscriber, userId: string) => principal.owns(userId)

/**
 * A minute: longer than a restart of the database takes, and no longer than a client need wait in
 * vain.
 */
const maxSilenceMsDefault = 60_000

/** Of the connections of the pool, so many read snapshots at a time. */
const snapshotReads = 4

/**
 * Pushes the status of orders to their subscribers, on whichever replica the change happened.
 *
 * A NOTIFY only says which orders to read. Subscribers are registered before the order is read, and
 * everything is read again whenever LISTEN was lost: no change falls between.
 */
export class StatusFeed {
  readonly #options: StatusFeedOptions
  readonly #subscriptions: Subscriptions<Subscriber>
  readonly #snapshots: SnapshotQueue<Subscriber>
  readonly #inTurn = inTurns(snapshotReads)
  readonly #changedOrders: ChangedOrders
  readonly #backfill: Backfill
  readonly #stop = new AbortController()
  readonly #outage: Outage
  readonly #listener: ReturnType<typeof listen>

  constructor(options: StatusFeedOptions) {
    const { db, logger, limit } = options
    const { signal } = this.#stop
    const outage = new Outage({ logger, what: 'orders cannot be read' })
    const subscriptions = new Subscriptions<Subscriber>(limit, maySee)
    const retainDelivered = () => subscriptions.retainDelivered()
    const onFailing = (ms: number) => this.#disconnectAfter(ms, subscriptions.subscribers())
    const repeated = { outage, signal, retainDelivered, onFailing }
    this.#options = options
    this.#outage = outage
    this.#subscriptions = subscriptions
    this.#snapshots = new SnapshotQueue({
      ...{ outage, signal },
      onFailing: (subscriber, ms) => this.#disconnectAfter(ms, [subscriber]),
    })
    this.#changedOrders = new ChangedOrders({
      ...repeated,
      readAndPush: (orderIds) => this.#readAndPush(() => readOrders(everybody, db, orderIds)),
    })
    this.#backfill = new Backfill({
      ...repeated,
      userIds: () => subscriptions.userIds(),
      readAndPush: (userIds, ms) =>
        this.#readAndPush(() => readChangedOrders(everybody, db, userIds, ms)),
    })
    this.#listener = this.#listen()
  }

  #listen(): ReturnType<typeof listen> {
    const subscriptions = this.#subscriptions
    const fillGap = (disconnectedMs: number) => {
      this.#changedOrders.add(subscriptions.orderIds())
      this.#backfill.add(disconnectedMs)
    }
    return listen({
      ...this.#options,
      channel: orderStatusChannel,
      onNotify: (payload) => this.#changedOrders.add(subscriptions.subscribed(orderIdsIn(payload))),
      onListen: fillGap,
      onDisconnected: fillGap,
      onAlive: () => subscriptions.expireDelivered(rememberedMs),
    })
  }

  /** Whether changes are known at once; if not, they are pushed some seconds late. */
  isListening(): boolean {
    return this.#listener.isListening()
  }

  /** How many subscriptions there are, of orders and of users. */
  subscriptions(): { order: number; user: number } {
    return this.#subscriptions.counts()
  }

  /** Whether what has changed can be read; if not, subscribers wait. */
  isReadable(): boolean {
    return !this.#changedOrders.isFailing && !this.#backfill.isFailing
  }

  /** For readiness checks: throw, saying why, where the answer is no. */
  assertListening(): void {
    this.#listener.assertListening()
  }

  assertReading(): void {
    if (!this.isReadable()) this.#outage.assertOver()
  }

  /**
   * Subscribes, and pushes a snapshot as soon as it can be read: the order, or the pending orders
   * of the user. Resolves when the first page was pushed, or when the database does not answer.
   */
  async subscribe(subscriber: Subscriber, target: Target): Promise<SubscribeResult> {
    const result = this.#subscriptions.subscribe(subscriber, target)
    if (result !== 'ok') return result
    const [subscriptions, inTurn] = [this.#subscriptions, this.#inTurn]
    const source = { ...this.#options, subscriptions, inTurn }
    const snapshot = target.kind === 'order' ? orderSnapshot : userSnapshot
    await this.#snapshots.add(subscriber, nameOf(target), snapshot(source, subscriber, target.id))
    return 'ok'
  }

  unsubscribe(subscriber: Subscriber, target: Target): void {
    this.#snapshots.cancel(subscriber, nameOf(target))
    this.#subscriptions.unsubscribe(subscriber, target)
  }

  remove(subscriber: Subscriber): void {
    this.#snapshots.cancelAll(subscriber)
    this.#subscriptions.remove(subscriber)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#listener.close()
    await this.#changedOrders.settled()
  }

  async #readAndPush(read: () => Promise<OrderRow[]>): Promise<void> {
    const readAt = this.#subscriptions.sequence
    const traces = new PushTraces(this.#options)
    for (const order of (await read()).map(toOrderResponse)) {
      const subscribers = this.#subscriptions.deliver(order, readAt)
      for (const subscriber of subscribers) subscriber.push(order)
      if (subscribers.length > 0) traces.add(order, subscribers.length)
    }
    await traces.record()
  }

  #disconnectAfter(failingMs: number, subscribers: Subscriber[]): void {
    if (failingMs <= (this.#options.maxSilenceMs ?? maxSilenceMsDefault)) return
    for (const subscriber of subscribers) subscriber.disconnect()
  }
}

const nameOf = ({ kind, id }: Target): string => `${kind} ${id}`
