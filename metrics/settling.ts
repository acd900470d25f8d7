import { onReply, type PendingStatus, pendingStatuses, repliesTo } from '#contracts/order-states.ts'
import { settlementSeconds } from './buckets.ts'
import type { Metrics } from './metrics.ts'

/** What an order in a pending state has asked for. */
const requests = {
  PAYMENT_PENDING: 'payment',
  REFUND_PENDING: 'refund',
} satisfies Record<PendingStatus, string>

/** An order that was settled, and how long that took, by the clock of the database. */
export interface Settled {
  status: string
  /** Its refund was settled, not its payment. */
  is_refund: boolean
  seconds: number
}

/**
 * Measures what a client waits for: from accepting an order, or its refund, until it is settled.
 */
export function measureSettling(metrics: Metrics) {
  const duration = metrics.histogram(
    {
      name: 'order_settlement_duration_seconds',
      help: 'From accepting an order, or its refund, until it is settled.',
      labels: ['request', 'status'],
    },
    settlementSeconds,
  )
  for (const pending of pendingStatuses) {
    for (const reply of repliesTo(pending)) {
      duration.zero({ request: requests[pending], status: onReply(pending, reply) })
    }
  }
  const retried = metrics.counter({
    name: 'payment_requests_retried_total',
    help: 'Payments and refunds that were requested again because no answer came in time.',
  })
  return {
    onSettled: ({ status, is_refund, seconds }: Settled) => {
      duration.observe({ request: is_refund ? 'refund' : 'payment', status }, seconds)
    },
    onRetried: (count: number) => retried.inc(count),
  }
}
