import type { Order } from '#contracts/orders-http.ts'
import type { OrderRow } from './rows.ts'

/** An order as callers see it. */
export const orderOf = (row: OrderRow): Order => ({
  ...row,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})
