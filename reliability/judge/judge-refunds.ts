import { answersOf, type FinalState, type LedgerRow } from './final-state.ts'
import type { Call, History } from './history.ts'

/**
 * An order is refunded only when somebody asked for that, and a refund that was accepted is
 * decided.
 */
export function refundFaults({ calls }: History, { ledger, keys }: FinalState): string[] {
  const asked = calls.filter(({ kind }) => kind === 'refund')
  const answers = answersOf(keys)
  const isAccepted = (call: Call) => answers(call).length > 0
  const refunds = ledger.filter(({ type }) => type === 'REFUND')
  const decided = new Set(refunds.map(({ order_id }) => order_id))
  const mayBe = new Set(asked.map(({ orderId }) => orderId))
  const ofNobody = ({ order_id }: LedgerRow) => !mayBe.has(order_id ?? '')
  return [
    ...asked
      .filter((call) => isAccepted(call) && !decided.has(call.orderId ?? ''))
      .map(({ orderId }) => `the refund of order ${orderId} was accepted, and never decided`),
    ...refunds
      .filter(ofNobody)
      .map(({ order_id }) => `order ${order_id} was refunded, which nobody asked for`),
  ]
}
