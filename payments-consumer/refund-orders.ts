import type { Fact, RefundFailureReason } from '#contracts/events.ts'
import { balanceChange } from '#contracts/ledger-types.ts'
import { MAX_MINOR } from '#contracts/money.ts'
import type { PaymentTimeline } from '#contracts/timeline.ts'
import type { ChargeRequest } from './charge-orders.ts'

/**
 * A request to give the money of an order back, and the id that its ledger entry gets if it is the
 * first.
 */
export type RefundRequest = ChargeRequest

/** How the refund of an order was decided: an entry of the ledger. */
export interface Refund extends RefundRequest {
  /** Null for success. */
  failure: RefundFailureReason | null
  /** When, if that was before these requests came. */
  decidedAt?: string
}

/** What refunds are decided by. */
export interface RefundState {
  /** Balances of the accounts that exist, in minor units. */
  balances: ReadonlyMap<string, bigint>
  /** Successful debits, by order. */
  charged: ReadonlyMap<string, ChargeRequest>
  /** Refunds recorded before, by order. */
  decided: ReadonlyMap<string, Refund>
}

export type RefundDecision =
  | { kind: 'refund'; refund: Refund }
  | { kind: 'repeat'; refund: Refund }
  | { kind: 'dead-letter'; reason: 'refund-without-payment'; error: string }

/**
 * Decides requests in the order in which they came. The refund of an order is decided once: its
 * money is given back, or that is refused and recorded; a later request for it repeats that
 * outcome. What was not charged is not given back: such a request is set aside. No balance exceeds
 * its limit.
 */
export function refundOrders(
  before: RefundState,
  requests: readonly RefundRequest[],
): RefundDecision[] {
  const balances = new Map(before.balances)
  const decided = new Map(before.decided)
  return requests.map((request) => {
    const decision = refundOrder({ ...before, balances, decided }, request)
    if (decision.kind === 'refund') {
      const { refund } = decision
      decided.set(refund.orderId, refund)
      const balance = balances.get(refund.userId)
      if (balance !== undefined && !refund.failure) {
        balances.set(refund.userId, balance + balanceChange('REFUND', refund.amountMinor))
      }
    }
    return decision
  })
}

function refundOrder(
  { balances, charged, decided }: RefundState,
  request: RefundRequest,
): RefundDecision {
  const { orderId, userId, amountMinor } = request
  const debit = charged.get(orderId)
  if (!debit) return deadLetter('the order was not charged')
  if (debit.userId !== userId || debit.amountMinor !== amountMinor) {
    return deadLetter('the order was charged to another user, or another amount was')
  }
  const earlier = decided.get(orderId)
  if (earlier) return { kind: 'repeat', refund: earlier }
  const balance = balances.get(userId)
  if (balance === undefined) return deadLetter('the order was charged, and its account is gone')
  const isOver = balance + balanceChange('REFUND', amountMinor) > MAX_MINOR
  return { kind: 'refund', refund: { ...request, failure: isOver ? 'BALANCE_LIMIT' : null } }
}

const deadLetter = (error: string): RefundDecision => ({
  kind: 'dead-letter',
  reason: 'refund-without-payment',
  error,
})

/** The reply to Orders about a refund. */
export function refundFactOf(refund: Refund, amount: string, timeline: PaymentTimeline): Fact {
  const data = { order_id: refund.orderId, user_id: refund.userId, amount, timeline }
  return refund.failure
    ? { type: 'RefundFailed', data: { ...data, reason: refund.failure } }
    : { type: 'PaymentRefunded', data: { ...data, tx_id: refund.txId } }
}
