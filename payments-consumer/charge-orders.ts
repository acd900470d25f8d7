import type { Fact, PaymentFailureReason } from '#contracts/events.ts'
import { balanceChange } from '#contracts/ledger-types.ts'
import type { PaymentTimeline } from '#contracts/timeline.ts'

/** A request to pay, and the id that its ledger entry gets if it is the first for its order. */
export interface ChargeRequest {
  orderId: string
  userId: string
  amountMinor: bigint
  txId: string
}

/** How an order was decided: an entry of the ledger. */
export interface Debit extends ChargeRequest {
  /** Null for success. */
  failure: PaymentFailureReason | null
  /** When, if that was before these requests came. */
  decidedAt?: string
}

/** What charges are decided by. */
export interface ChargeState {
  /** Balances of the accounts that exist, in minor units. */
  balances: ReadonlyMap<string, bigint>
  /** Debits recorded before, by order. */
  decided: ReadonlyMap<string, Debit>
}

export type Decision =
  | { kind: 'debit'; debit: Debit }
  | { kind: 'repeat'; debit: Debit }
  | { kind: 'dead-letter'; reason: 'contradiction'; error: string }

/**
 * Decides requests in the order in which they came. An order is decided once: charged, or refused
 * and recorded; a later request for it repeats that outcome, and one about another amount or user
 * is set aside. No balance becomes negative.
 */
export function chargeOrders(before: ChargeState, requests: readonly ChargeRequest[]): Decision[] {
  const balances = new Map(before.balances)
  const decided = new Map(before.decided)
  return requests.map((request) => {
    const decision = chargeOrder({ balances, decided }, request)
    if (decision.kind === 'debit') {
      const { debit } = decision
      decided.set(debit.orderId, debit)
      const balance = balances.get(debit.userId)
      if (balance !== undefined && !debit.failure) {
        balances.set(debit.userId, balance + balanceChange('DEBIT', debit.amountMinor))
      }
    }
    return decision
  })
}

function chargeOrder({ balances, decided }: ChargeState, request: ChargeRequest): Decision {
  const earlier = decided.get(request.orderId)
  if (earlier) {
    const same = earlier.userId === request.userId && earlier.amountMinor === request.amountMinor
    if (same) return { kind: 'repeat', debit: earlier }
    const error = 'the order was decided before, about another amount or user'
    return { kind: 'dead-letter', reason: 'contradiction', error }
  }
  const balance = balances.get(request.userId)
  return { kind: 'debit', debit: { ...request, failure: refusal(balance, request.amountMinor) } }
}

function refusal(balance: bigint | undefined, amountMinor: bigint): PaymentFailureReason | null {
  if (balance === undefined) return 'ACCOUNT_NOT_FOUND'
  return balance < amountMinor ? 'INSUFFICIENT_FUNDS' : null
}

/** The reply to Orders about a debit. */
export function factOf(debit: Debit, amount: string, timeline: PaymentTimeline): Fact {
  const data = { order_id: debit.orderId, user_id: debit.userId, amount, timeline }
  return debit.failure
    ? { type: 'PaymentFailed', data: { ...data, reason: debit.failure } }
    : { type: 'PaymentSucceeded', data: { ...data, tx_id: debit.txId } }
}
