import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import type { Stage, Timeline } from '#contracts/timeline.ts'
import type { TimelineRow } from './rows.ts'

/**
 * The stages of an order that are known, in their order, never decreasing.
 *
 * Each time is by the clock of who was there, and clocks differ. `accepted` and `settled` are by the
 * one clock of the database: they stand, and what claims to be outside of them is moved to them.
 */
export function timelineOf(orderId: string, row: TimelineRow): Timeline {
  const end = isPending(row.status) ? null : row.updated_at
  let last = row.created_at
  const stages = knownStages(row, end).map(([stage, time]) => {
    last = later(last, end ? earlier(time, end) : time)
    return { stage, at: last.toISOString() }
  })
  return { order_id: orderId, stages }
}

function knownStages(row: TimelineRow, settledAt: Date | null): [Stage, Date][] {
  // The outbox speaks of the last request. Whoever has decided knows which one it was that counted.
  const relayedAt = row.relayed_at ?? (row.charged_at ? null : row.published_at)
  const stages: [Stage, Date | null][] = [
    ['accepted', row.created_at],
    ['relayed', relayedAt],
    ['received', row.received_at],
    [decisionIn[row.status], row.charged_at],
    ['reply_relayed', row.reply_relayed_at],
    ['settled', settledAt],
  ]
  return stages.flatMap(([stage, time]): [Stage, Date][] => (time ? [[stage, time]] : []))
}

/** What Payments has done at `charged_at` with an order that is in this state by now. */
const decisionIn: Record<OrderStatus, Extract<Stage, 'charged' | 'refused'>> = {
  PAYMENT_PENDING: 'charged',
  PAID: 'charged',
  PAYMENT_FAILED: 'refused',
}

const later = (a: Date, b: Date) => (a.getTime() > b.getTime() ? a : b)
const earlier = (a: Date, b: Date) => (a.getTime() < b.getTime() ? a : b)
