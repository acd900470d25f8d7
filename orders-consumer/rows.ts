import { sql, type Transaction } from 'kysely'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { SettledOrder } from './settle-orders.ts'

/** Orders as they are, locked until commit, in the order of their ids: no two batches can deadlock. */
export const lockOrders = (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
): Promise<SettledOrder[]> =>
  trx
    .selectFrom('orders')
    .select(['order_id', 'user_id', 'amount', 'status', 'failure_reason'])
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .orderBy('order_id')
    .forNoKeyUpdate()
    .execute()

export interface StatusChange {
  orderId: string
  status: 'PAID' | 'PAYMENT_FAILED'
  failureReason: string | null
}

/** Of orders locked in the same transaction; a final status is never overwritten. */
export const setStatuses = (trx: Transaction<OrdersDatabase>, changes: StatusChange[]) =>
  sql`
    UPDATE orders
    SET status = change.status, failure_reason = change.failure_reason, updated_at = clock_timestamp()
    FROM unnest(
      ${changes.map(({ orderId }) => orderId)}::uuid[],
      ${changes.map(({ status }) => status)}::text[],
      ${changes.map(({ failureReason }) => failureReason)}::text[])
      AS change (order_id, status, failure_reason)
    WHERE orders.order_id = change.order_id AND orders.status = 'PAYMENT_PENDING'
  `.execute(trx)
