import type { PendingStatus } from '#contracts/order-states.ts'
import type { OrderColumns } from '#tables/orders.ts'

/** What became of the event that requested the payment of an order last. */
export interface RequestState {
  /** Whether it is still in the outbox: then the relay is late, not the answer. */
  is_unpublished: boolean
  /** How long it has been with the broker; null when that is not known any more. */
  published_ms_ago: number | null
}

/** A pending order whose answer did not come in time. */
export type OverdueOrder = OrderColumns<'order_id' | 'user_id' | 'amount' | 'request_attempts'> &
  RequestState & {
    status: PendingStatus
    /** Of the last request. */
    traceparent: string | null
  }

/** The longest timeout of one request. */
const maxTimeoutMs = 15 * 60_000

/**
 * Whether the payment, or refund, of an overdue order is requested again. Not while its request is
 * still in the outbox, or was published less than `timeoutMs` ago: a relay or a broker that is away
 * must not fill the outbox.
 */
export const shouldRetry = (request: RequestState, timeoutMs: number): boolean =>
  !request.is_unpublished &&
  (request.published_ms_ago === null || request.published_ms_ago >= timeoutMs)

/** How long one request may be waited for, after however many retries; 0: it is never retried. */
export const longestTimeoutMs = (timeoutMs: number): number =>
  timeoutMs === 0 ? 0 : Math.max(timeoutMs, maxTimeoutMs)

/**
 * How much longer than `timeoutMs` the request after so many may take: each retry doubles the
 * timeout, up to a quarter of an hour.
 */
export const extraTimeoutMs = (requestAttempts: number, timeoutMs: number): number =>
  Math.max(timeoutMs, Math.min(maxTimeoutMs, timeoutMs * 2 ** requestAttempts)) - timeoutMs
