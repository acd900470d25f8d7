import type { Order } from '#contracts/orders-http.ts'
import type { OrderRow } from './rows.ts'

/** An order as clients see it; one whose payment failed says why. */
export const toOrderResponse = ({
  failure_reason,
  created_at,
  updated_at,
  ...row
}: OrderRow): Order => ({
  ...row,
  ...(failure_reason !== null && { failure_reason }),
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
})
