import type { Generated, Selectable } from 'kysely'
import type { FailureReason } from '#contracts/events.ts'
import {
  changedStatuses,
  type OrderStatus,
  paidStatuses,
  pendingStatuses,
  restingStatuses,
} from '#contracts/order-states.ts'
import type { BothDatabases } from './both.ts'

export interface OrdersTable {
  order_id: string
  user_id: string
  /** A decimal string with two places: NUMERIC never passes through a float. */
  amount: string
  status: Generated<OrderStatus>
  failure_reason: FailureReason | null
  request_id: string | null
  request_attempts: Generated<number>
  timeout_starts_at: Generated<Date>
  relayed_at: Date | null
  received_at: Date | null
  charged_at: Date | null
  reply_relayed_at: Date | null
  settled_at: Date | null
  refund_accepted_at: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

/** Some columns of an order, as they are read. */
export type OrderColumns<Column extends keyof OrdersTable> = Pick<Selectable<OrdersTable>, Column>

/** The tables of `orders_db`, compared with the live database by tables.integration.test.ts. */
export interface OrdersDatabase extends BothDatabases {
  orders: OrdersTable
}

/**
 * For `status IN (…)`. In the text of a statement and not a parameter: the planner takes an index
 * of some states, such as orders_pending, only for a condition that it can compare with the index's
 * own.
 */
export const listOf = (statuses: readonly OrderStatus[]) =>
  statuses.map((status) => `'${status}'`).join(', ')

export const pendingList = listOf(pendingStatuses)
export const restingList = listOf(restingStatuses)
export const paidList = listOf(paidStatuses)
export const changedList = listOf(changedStatuses)
