import type { OrdersTable } from '#tables/orders.ts'

/** A pending order that nothing was heard of for long, and what became of the event that asked for it. */
export type UnansweredOrder = Pick<OrdersTable, 'order_id' | 'user_id' | 'amount'> & {
  /** How often its payment was asked for until now. */
  times_asked: number
  /** Whether the outbox still holds the request: then the relay is what is late, not the answer. */
  is_unpublished: boolean
  /** How long the request has been with the broker; null when that is not known any more. */
  published_ms_ago: number | null
}

/** What to do, and how far from now (in milliseconds) the order's waiting begins anew. */
export type Patience = { kind: 'ask' | 'wait'; waitsFromMs: number }

/** Longest time between two askings. */
const longestWaitMs = 15 * 60_000

/**
 * Decides whether an order that has waited for `afterMs` is asked for again. One whose request is
 * still in the outbox, or was published only a while ago, waits: a relay or a broker that is away
 * must not fill the outbox. Each asking doubles the wait for the next, up to a quarter of an hour.
 */
export function askAgain(order: UnansweredOrder, afterMs: number): Patience {
  if (order.is_unpublished) return { kind: 'wait', waitsFromMs: 0 }
  const { published_ms_ago: publishedMsAgo, times_asked: timesAsked } = order
  if (publishedMsAgo !== null && publishedMsAgo < afterMs) {
    return { kind: 'wait', waitsFromMs: -publishedMsAgo }
  }
  const nextWaitMs = Math.max(afterMs, Math.min(longestWaitMs, afterMs * 2 ** timesAsked))
  return { kind: 'ask', waitsFromMs: nextWaitMs - afterMs }
}
