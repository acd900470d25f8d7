import type { OrderStatus, PendingStatus } from '#contracts/order-states.ts'

/**
 * Whether an order in a status waits for an answer of Payments. The type check compares it with the
 * contract.
 */
const pending: { [S in OrderStatus]: S extends PendingStatus ? true : false } = {
  PAYMENT_PENDING: true,
  PAID: false,
  PAYMENT_FAILED: false,
  REFUND_PENDING: true,
  REFUNDED: false,
}

/** A status that this client does not know yet is judged by its name. */
export const isPending = ({ status }: { status: OrderStatus }): boolean =>
  pending[status] ?? status.endsWith('_PENDING')

/** Whether an order comes into a state by a refund. */
const ofRefund: Record<OrderStatus, boolean> = {
  PAYMENT_PENDING: false,
  PAID: false,
  PAYMENT_FAILED: false,
  REFUND_PENDING: true,
  REFUNDED: true,
}

const all = Object.keys(pending) as OrderStatus[]

/** Those that wait for the answer about a payment. */
export const paymentPendingStatuses = all.filter((status) => pending[status] && !ofRefund[status])
export const refundStatuses = all.filter((status) => ofRefund[status])
