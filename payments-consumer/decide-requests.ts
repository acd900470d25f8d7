import type { EventOf } from '#contracts/events.ts'
import { balanceChange } from '#contracts/ledger-types.ts'
import { formatMoney, minorOf } from '#contracts/money.ts'
import {
  type Decision as ChargeDecision,
  type ChargeRequest,
  type ChargeState,
  chargeOrders,
} from './charge-orders.ts'
import { type RefundDecision, type RefundState, refundOrders } from './refund-orders.ts'
import type { BalanceChange, NewEntry } from './rows.ts'

export type Decision = ChargeDecision | RefundDecision

/** Why a request is given up. */
const reasons: Record<Extract<Decision, { kind: 'dead-letter' }>['reason'], true> = {
  contradiction: true,
  'refund-without-payment': true,
}
export const deadLetterReasons = Object.keys(reasons)

export type Request = ChargeRequest & { type: 'PaymentRequested' | 'RefundRequested' }

/** What the accounts of some requests hold, and what the ledger has of their orders. */
export interface Accounts {
  balances: ReadonlyMap<string, bigint>
  debits: ChargeState['decided']
  charged: RefundState['charged']
  refunds: RefundState['decided']
}

/** `txId`: the id that the ledger entry gets, if there will be one. */
export const requestOf = (
  { type, data }: Pick<EventOf<Request['type']>, 'type' | 'data'>,
  txId: string,
): Request => ({
  ...{ type, orderId: data.order_id, userId: data.user_id },
  ...{ amountMinor: minorOf(data.amount), txId },
})

/**
 * Decides a batch: first all payments, then all refunds, each in the order in which they came. So
 * an order whose payment and refund are requested in one batch is charged before it is refunded, in
 * whichever order they came.
 */
export function decideRequests(before: Accounts, requests: readonly Request[]): Decision[] {
  const payments = requests.filter(({ type }) => type === 'PaymentRequested')
  const refunds = requests.filter(({ type }) => type === 'RefundRequested')
  const made = chargeOrders({ balances: before.balances, decided: before.debits }, payments)
  const decisions = new Map<Request, Decision>(
    made.map((one, at) => [payments[at] as Request, one]),
  )
  if (refunds.length > 0) {
    const now = stateAfterCharges(before, made)
    for (const [at, one] of refundOrders(now, refunds).entries()) {
      decisions.set(refunds[at] as Request, one)
    }
  }
  return requests.map((request) => decisions.get(request) as Decision)
}

function stateAfterCharges(before: Accounts, made: readonly ChargeDecision[]): RefundState {
  const balances = new Map(before.balances)
  const charged = new Map(before.charged)
  for (const decision of made) {
    if (decision.kind !== 'debit' || decision.debit.failure) continue
    const { debit } = decision
    charged.set(debit.orderId, debit)
    const balance = balances.get(debit.userId) ?? 0n
    balances.set(debit.userId, balance + balanceChange('DEBIT', debit.amountMinor))
  }
  return { balances, charged, decided: before.refunds }
}

/** The entry of the ledger that a decision makes; none for one that repeats or refuses. */
export function entriesOf(decision: Decision): NewEntry[] {
  if (decision.kind === 'debit') return [{ ...decision.debit, type: 'DEBIT' }]
  if (decision.kind === 'refund') return [{ ...decision.refund, type: 'REFUND' }]
  return []
}

/** What successful entries change of the balance of each account. */
export function balanceChangesOf(entries: readonly NewEntry[]): BalanceChange[] {
  const done = entries.filter(({ failure }) => failure === null)
  return [...Map.groupBy(done, ({ userId }) => userId)].map(([userId, own]) => ({
    userId,
    total: formatMoney(
      own.reduce((sum, { type, amountMinor }) => sum + balanceChange(type, amountMinor), 0n),
    ),
    count: own.length,
  }))
}
