import { sql, type Transaction } from 'kysely'
import type { DecidedStatus } from '#contracts/order-states.ts'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'
import type { OrderToSettle, Settlement } from './settle-orders.ts'

const pending = sql.raw(pendingList)

/**
 * Orders as they are, locked until commit, in the order of their ids: no two batches can deadlock.
 */
export const lockOrders = (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
): Promise<OrderToSettle[]> =>
  trx
    .selectFrom('orders')
    .select(['order_id', 'user_id', 'amount', 'status', 'failure_reason'])
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .orderBy('order_id')
    .forNoKeyUpdate()
    .modifyEnd(sql`/* lockOrders */`)
    .execute()

/**
 * Locks what it can of orders, without waiting, and returns the ids of those that others have
 * locked.
 */
export const lockOrSkipOrders = async (
  trx: Transaction<OrdersDatabase>,
  orderIds: string[],
): Promise<string[]> => {
  const { rows } = await sql<{ order_id: string }>`
    /* lockOrSkipOrders */
    WITH ours AS (
      SELECT order_id FROM orders WHERE order_id = ANY (${orderIds}::uuid[])
      FOR NO KEY UPDATE SKIP LOCKED)
    SELECT order_id FROM orders
    WHERE order_id = ANY (${orderIds}::uuid[]) AND order_id NOT IN (SELECT order_id FROM ours)
  `.execute(trx)
  return rows.map(({ order_id }) => order_id)
}

export interface StatusChange extends Omit<Extract<Settlement, { kind: 'settle' }>, 'kind'> {
  orderId: string
  timeline?: StageTimes
}

/** When it was where, as far as the reply says. */
export type StageTimes = Record<
  'relayedAt' | 'receivedAt' | 'chargedAt' | 'replyRelayedAt',
  string | undefined
>

/**
 * Of orders locked in the same transaction; a status at rest is never overwritten. `updated_at`
 * grows with each change, so that of two states of an order the later one is known. A reply without
 * times leaves those that are there. Returns how long each order has waited.
 */
export const setStatuses = async (trx: Transaction<OrdersDatabase>, changes: StatusChange[]) => {
  const { rows } = await sql<SettledRow>`
    /* setStatuses */
    UPDATE orders
    SET status = change.status, failure_reason = change.failure_reason,
        updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond'),
        relayed_at = coalesce(change.relayed_at, orders.relayed_at),
        received_at = coalesce(change.received_at, orders.received_at),
        charged_at = coalesce(change.charged_at, orders.charged_at),
        reply_relayed_at = coalesce(change.reply_relayed_at, orders.reply_relayed_at)
    FROM unnest(
      ${changes.map(({ orderId }) => orderId)}::uuid[],
      ${changes.map(({ status }) => status)}::text[],
      ${changes.map(({ failureReason }) => failureReason)}::text[],
      ${changes.map(({ timeline }) => timeline?.relayedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.receivedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.chargedAt ?? null)}::timestamptz[],
      ${changes.map(({ timeline }) => timeline?.replyRelayedAt ?? null)}::timestamptz[])
      AS change (order_id, status, failure_reason,
                 relayed_at, received_at, charged_at, reply_relayed_at)
    WHERE orders.order_id = change.order_id AND orders.status IN (${pending})
    RETURNING orders.status, orders.refund_accepted_at IS NOT NULL AS is_refund,
      extract(epoch FROM orders.updated_at - coalesce(orders.refund_accepted_at, orders.created_at)
      )::float8 AS seconds
  `.execute(trx)
  return rows
}

/** An order that was settled, and how long after it, or its refund, was accepted. */
export interface SettledRow {
  status: DecidedStatus
  is_refund: boolean
  seconds: number
}
