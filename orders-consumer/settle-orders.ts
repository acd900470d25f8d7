import type { PaymentFailed, PaymentSucceeded } from '#contracts/events.ts'

export type PaymentOutcome = PaymentSucceeded | PaymentFailed

/** An order as far as settling it goes. */
export interface SettledOrder {
  order_id: string
  user_id: string
  amount: string
  status: 'PAYMENT_PENDING' | 'PAID' | 'PAYMENT_FAILED'
  failure_reason: string | null
}

export type Settlement =
  | { kind: 'settle'; status: 'PAID' | 'PAYMENT_FAILED'; failureReason: string | null }
  | { kind: 'repeat' }
  | { kind: 'park'; reason: 'unknown-order' | 'contradiction'; error: string }

/**
 * Decides what each outcome means for its order, in the order in which they came: an order is
 * settled by the first and then final; the same outcome again changes nothing, and one that
 * disagrees (another status, amount or user) is set aside with nothing changed.
 */
export function settleOrders(
  orders: ReadonlyMap<string, SettledOrder>,
  outcomes: readonly PaymentOutcome[],
): Settlement[] {
  const now = new Map(orders)
  return outcomes.map((outcome) => {
    const order = now.get(outcome.data.order_id)
    const settlement = settleOrder(order, outcome)
    if (order && settlement.kind === 'settle') {
      const { status, failureReason } = settlement
      now.set(order.order_id, { ...order, status, failure_reason: failureReason })
    }
    return settlement
  })
}

function settleOrder(order: SettledOrder | undefined, { type, data }: PaymentOutcome): Settlement {
  if (!order) return park('unknown-order', `there is no order ${data.order_id}`)
  if (data.amount !== order.amount) {
    return park('contradiction', `the order is about ${order.amount}, not ${data.amount}`)
  }
  if (data.user_id !== order.user_id) return park('contradiction', 'the order is of another user')

  const status = type === 'PaymentSucceeded' ? 'PAID' : 'PAYMENT_FAILED'
  const failureReason = type === 'PaymentSucceeded' ? null : data.reason
  if (order.status === 'PAYMENT_PENDING') return { kind: 'settle', status, failureReason }
  if (order.status === status) return { kind: 'repeat' }
  return park('contradiction', `the order is already ${order.status}, not ${status}`)
}

const park = (
  reason: Extract<Settlement, { kind: 'park' }>['reason'],
  error: string,
): Settlement => ({ kind: 'park', reason, error })
