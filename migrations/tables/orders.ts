import type { Generated } from 'kysely'
import type { BothDatabases } from './both.ts'

export interface OrdersTable {
  order_id: string
  user_id: string
  /** A decimal string with two places: NUMERIC never passes through a float. */
  amount: string
  status: Generated<'PAYMENT_PENDING' | 'PAID' | 'PAYMENT_FAILED'>
  failure_reason: string | null
  request_id: string | null
  times_asked: Generated<number>
  waiting_since: Generated<Date>
  relayed_at: Date | null
  received_at: Date | null
  charged_at: Date | null
  reply_relayed_at: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

/** The tables of `orders_db`, compared with the live database by tables.integration.test.ts. */
export interface OrdersDatabase extends BothDatabases {
  orders: OrdersTable
}
