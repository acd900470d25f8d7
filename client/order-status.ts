import type { OrderStatus, PendingStatus } from '#contracts/order-states.ts'

/** Whether an order in a status waits for an answer of Payments. The type check compares it with the contract. */
const pending: { [S in OrderStatus]: S extends PendingStatus ? true : false } = {
  PAYMENT_PENDING: true,
  PAID: false,
  PAYMENT_FAILED: false,
}

/** A status that this client does not know yet is judged by its name. */
export const isPending = ({ status }: { status: OrderStatus }): boolean =>
  pending[status] ?? status.endsWith('_PENDING')

export const pendingStatuses = (Object.keys(pending) as OrderStatus[]).filter(
  (status) => pending[status],
)
