import { pendingStatuses } from '#contracts/order-states.ts'
import type { KeysetPosition } from '#http/cursor.ts'
import { toOrderResponse } from '../order-response.ts'
import { listOrders, type OrderRow } from '../rows.ts'
import { PushTraces, type PushTracesOptions } from './push-traces.ts'
import { readOrders, readTime } from './rows.ts'
import type { SnapshotPages } from './snapshot-queue.ts'
import type { Subscriber } from './subscriber.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { InTurn } from './turns.ts'

/** What the snapshots of one feed read from and write to. */
export interface SnapshotSource extends PushTracesOptions {
  subscriptions: Subscriptions<Subscriber>
  /** For each read: thousands who connect at once leave connections for everybody else. */
  inTurn: InTurn
}

/** So many pending orders of a user are read and pushed at a time. */
const pageSize = 1_000

/**
 * A transaction that settles orders may commit this much later than the time it wrote. Small, since
 * what ended before the subscription is no news.
 */
const settlingMarginMs = 2_000

/** The present state of one order, or that there is no such order. */
export const orderSnapshot =
  (source: SnapshotSource, subscriber: Subscriber, orderId: string): SnapshotPages =>
  async (isWanted) => {
    const { db, inTurn } = source
    const rows = await inTurn(() => readOrders(subscriber.principal, db, [orderId]))
    if (!isWanted()) return true
    await push(source, subscriber, rows)
    if (rows.length === 0) {
      source.subscriptions.unsubscribe(subscriber, { kind: 'order', id: orderId })
      subscriber.pushUnknown(orderId)
    }
    return true
  }

/**
 * The pending orders of a user. A page is read when the one before has left the process, and pushed
 * at once: a page that waits grows old, and the end of an order is remembered for a short while
 * only.
 */
export function userSnapshot(
  source: SnapshotSource,
  subscriber: Subscriber,
  userId: string,
): SnapshotPages {
  const { db, subscriptions, inTurn } = source
  const subscribedAtMs = performance.now()
  let isTimed = false
  let after: KeysetPosition | undefined
  return async (isWanted) => {
    if (!isTimed) {
      const sinceMs =
        (await inTurn(() => readTime(db))).getTime() - (performance.now() - subscribedAtMs)
      subscriptions.setUserSince(subscriber, userId, sinceMs - settlingMarginMs)
      isTimed = true
    }
    await subscriber.drained()
    const page = { userId, statuses: pendingStatuses, after, limit: pageSize }
    const rows = await inTurn(() => listOrders(subscriber.principal, db, page))
    if (isWanted()) await push(source, subscriber, rows)
    const last = rows.at(-1)
    if (last) after = { created_at: last.created_at, id: last.order_id }
    return rows.length < pageSize
  }
}

async function push(source: SnapshotSource, subscriber: Subscriber, rows: OrderRow[]) {
  const traces = new PushTraces(source)
  for (const order of rows.map(toOrderResponse)) {
    if (!source.subscriptions.deliverTo(subscriber, order)) continue
    subscriber.push(order)
    traces.add(order, 1)
  }
  await traces.record()
}
