import type { PendingStatus } from '#contracts/order-states.ts'
import type { OrderColumns } from '#tables/orders.ts'

/** What became of the event that asked last for the payment of an order. */
export interface RequestState {
  /** Whether the outbox still holds it: then the relay is what is late, not the answer. */
  is_unpublished: boolean
  /** How long it has been with the broker; null when that is not known any more. */
  published_ms_ago: number | null
}

/** A pending order that nothing was heard of for long. */
export type UnansweredOrder = OrderColumns<'order_id' | 'user_id' | 'amount' | 'times_asked'> &
  RequestState & { status: PendingStatus }

/** Longest time between two askings. */
const longestWaitMs = 15 * 60_000

/**
 * Whether an order that has waited for `afterMs` is asked for again. Not while its request is still
 * in the outbox, or was published only a while ago: a relay or a broker that is away must not fill
 * the outbox.
 */
export const isOverdue = (request: RequestState, afterMs: number): boolean =>
  !request.is_unpublished &&
  (request.published_ms_ago === null || request.published_ms_ago >= afterMs)

/**
 * How far from now (in milliseconds) the waiting of an order begins anew that is asked for again: each
 * asking doubles the wait for the next, up to a quarter of an hour.
 */
export const waitsFromMs = (timesAsked: number, afterMs: number): number =>
  Math.max(afterMs, Math.min(longestWaitMs, afterMs * 2 ** timesAsked)) - afterMs
