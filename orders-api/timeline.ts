import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import type { Stage, Timeline } from '#contracts/timeline.ts'
import type { TimelineRow } from './rows.ts'

/**
 * The stages of an order that are known, in their order, never decreasing.
 *
 * Each time is by the clock of who was there, and clocks differ. `accepted`, `settled` and those of
 * a refund are by the one clock of the database: they stand, and what claims to be outside of the
 * payment is moved to its end.
 */
export function timelineOf(orderId: string, row: TimelineRow): Timeline {
  const settledAt = row.settled_at ?? (isPending(row.status) ? null : row.updated_at)
  let last = row.created_at
  const stages = [
    ...paymentStages(row, settledAt).map(
      ([stage, time]): StageTime => [stage, settledAt ? earlier(time, settledAt) : time],
    ),
    ...refundStages(row),
  ].map(([stage, time]) => {
    last = later(last, time)
    return { stage, at: last.toISOString() }
  })
  return { order_id: orderId, stages }
}

type StageTime = [Stage, Date]

function paymentStages(row: TimelineRow, settledAt: Date | null): StageTime[] {
  // The outbox row belongs to the last request: of a decided payment the reply knows which one, and
  // it may be the refund's.
  const isAnother = row.charged_at !== null || row.refund_accepted_at !== null
  const relayedAt = row.relayed_at ?? (isAnother ? null : row.published_at)
  const stages: [Stage, Date | null][] = [
    ['accepted', row.created_at],
    ['relayed', relayedAt],
    ['received', row.received_at],
    [decisionIn[row.status], row.charged_at],
    ['reply_relayed', row.reply_relayed_at],
    ['settled', settledAt],
  ]
  return stages.flatMap(([stage, time]): StageTime[] => (time ? [[stage, time]] : []))
}

/**
 * Of the last refund; one that was refused has no end here, since the order is what it was before.
 */
function refundStages(row: TimelineRow): StageTime[] {
  if (!row.refund_accepted_at) return []
  const accepted: StageTime = ['refund_accepted', row.refund_accepted_at]
  return isRefunded[row.status] ? [accepted, ['refunded', row.updated_at]] : [accepted]
}

const isRefunded: Record<OrderStatus, boolean> = {
  PAYMENT_PENDING: false,
  PAID: false,
  PAYMENT_FAILED: false,
  REFUND_PENDING: false,
  REFUNDED: true,
}

/** What Payments has done at `charged_at` with an order that is in this state by now. */
const decisionIn: Record<OrderStatus, Extract<Stage, 'charged' | 'refused'>> = {
  PAYMENT_PENDING: 'charged',
  PAID: 'charged',
  PAYMENT_FAILED: 'refused',
  REFUND_PENDING: 'charged',
  REFUNDED: 'charged',
}

const later = (a: Date, b: Date) => (a.getTime() > b.getTime() ? a : b)
const earlier = (a: Date, b: Date) => (a.getTime() < b.getTime() ? a : b)
