import type { ReplyType } from '#contracts/event-types.ts'
import type { EventOf, FailureReason } from '#contracts/events.ts'
import { type DecidedStatus, onReply } from '#contracts/order-states.ts'
import type { OrderColumns } from '#tables/orders.ts'

/** What Payments has decided about an order. */
export type PaymentOutcome = EventOf<ReplyType>

/** What settling an order needs to know of it. */
export type OrderToSettle = OrderColumns<
  'order_id' | 'user_id' | 'amount' | 'status' | 'failure_reason'
>

export type Settlement =
  | { kind: 'settle'; status: DecidedStatus; failureReason: FailureReason | null }
  | { kind: 'repeat' }
  | { kind: 'dead-letter'; reason: 'unknown-order' | 'contradiction'; error: string }

/** Why a reply is given up. */
const reasons: Record<Extract<Settlement, { kind: 'dead-letter' }>['reason'], true> = {
  'unknown-order': true,
  contradiction: true,
}
export const deadLetterReasons = Object.keys(reasons)

/**
 * Decides what each outcome means for its order, in the order in which they came: an order is
 * settled by the first and then final; the same outcome again changes nothing, and one that
 * disagrees (another status, amount or user) is set aside with nothing changed.
 */
export function settleOrders(
  orders: ReadonlyMap<string, OrderToSettle>,
  outcomes: readonly PaymentOutcome[],
): Settlement[] {
  const current = new Map(orders)
  return outcomes.map((outcome) => {
    const order = current.get(outcome.data.order_id)
    const settlement = settleOrder(order, outcome)
    if (order && settlement.kind === 'settle') {
      const { status, failureReason } = settlement
      current.set(order.order_id, { ...order, status, failure_reason: failureReason })
    }
    return settlement
  })
}

function settleOrder(order: OrderToSettle | undefined, outcome: PaymentOutcome): Settlement {
  const { type, data } = outcome
  if (!order) return deadLetter('unknown-order', `there is no order ${data.order_id}`)
  if (data.amount !== order.amount) {
    return deadLetter('contradiction', `the order is about ${order.amount}, not ${data.amount}`)
  }
  if (data.user_id !== order.user_id)
    return deadLetter('contradiction', 'the order is of another user')

  const next = onReply(order.status, type)
  if (next === 'repeat') return { kind: 'repeat' }
  if (next === 'contradiction') {
    return deadLetter('contradiction', `the order is ${order.status}, so ${type} cannot be true`)
  }
  return { kind: 'settle', status: next, failureReason: failureReasonOf(outcome) }
}

/**
 * Why the order was not paid, or not refunded, as the reply says. A new reply has to be decided
 * about here.
 */
function failureReasonOf({ type, data }: PaymentOutcome): FailureReason | null {
  switch (type) {
    case 'PaymentSucceeded':
    case 'PaymentRefunded':
      return null
    case 'PaymentFailed':
    case 'RefundFailed':
      return data.reason
  }
}

/** Whether a reply brings the times of its order's timeline, which has those of the payment. */
export const bringsTimes: Record<ReplyType, boolean> = {
  PaymentSucceeded: true,
  PaymentFailed: true,
  PaymentRefunded: false,
  RefundFailed: false,
}

const deadLetter = (
  reason: Extract<Settlement, { kind: 'dead-letter' }>['reason'],
  error: string,
): Settlement => ({ kind: 'dead-letter', reason, error })
