import type { OrderLedgerType } from '#contracts/ledger-types.ts'
import { decisionOf, isPending } from '#contracts/order-states.ts'
import type { Finding } from '#operator/reconcile/findings.ts'
import type { LedgerRow, OrderRow } from '../judge/final-state.ts'

/** What a finding is about: its kind and its order. */
export type Expected = [Finding['kind'], string]

const awaits = ({ status }: OrderRow) => (isPending(status) ? decisionOf(status) : undefined)
const idsOf = (ledger: LedgerRow[], wanted: OrderLedgerType) =>
  new Set(ledger.filter(({ type }) => type === wanted).map(({ order_id }) => order_id))
const same = (one: OrderRow, other: OrderRow) =>
  one.status === other.status && one.failure_reason === other.failure_reason

/**
 * What `reconcile` must find when Orders went back to `then`, and Payments stayed. `now` are the
 * orders as they were at the end, when all were at rest.
 */
export function afterOrdersRestored(
  then: OrderRow[],
  now: OrderRow[],
  ledger: LedgerRow[],
): Expected[] {
  const earlier = new Map(then.map((order) => [order.order_id, order]))
  const hasRefund = idsOf(ledger, 'REFUND')
  return now.flatMap((order): Expected[] => {
    const { order_id } = order
    const before = earlier.get(order_id)
    if (!before) {
      const refund: Expected[] = hasRefund.has(order_id) ? [['refund-without-order', order_id]] : []
      return [['debit-without-order', order_id], ...refund]
    }
    if (isPending(before.status)) {
      const isRefundedSince = awaits(before) === 'DEBIT' && hasRefund.has(order_id)
      const since: Expected[] = isRefundedSince ? [['status-disagrees', order_id]] : []
      return [['pending-too-long', order_id], ...since]
    }
    return same(before, order) ? [] : [['status-disagrees', order_id]]
  })
}

/** The same when Payments went back, whose ledger was `then`, and Orders stayed at `now`. */
export function afterPaymentsRestored(then: LedgerRow[], now: OrderRow[]): Expected[] {
  const debits = idsOf(then, 'DEBIT')
  const refunds = idsOf(then, 'REFUND')
  return now.flatMap(({ order_id, status, failure_reason }): Expected[] => {
    const missing: Expected = ['final-without-decision', order_id]
    const isRefundMissing = status === 'REFUNDED' && !refunds.has(order_id)
    const isRefusalMissing = status === 'PAID' && failure_reason !== null && !refunds.has(order_id)
    if (!debits.has(order_id)) return isRefundMissing ? [missing, missing] : [missing]
    if (isRefundMissing) return [missing]
    return isRefusalMissing ? [['status-disagrees', order_id]] : []
  })
}
