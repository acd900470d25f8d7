import { type Static, Type } from 'typebox'
import { compile } from './compile.ts'
import { FailureReason } from './events.ts'
import { Limit, Money } from './http-fields.ts'
import { UserId } from './user-id.ts'

/** The HTTP interface of Orders: what comes in, and what goes out. */
export const PlaceOrder = Type.Object(
  { user_id: UserId, amount: Money },
  { additionalProperties: false },
)
export type PlaceOrder = Static<typeof PlaceOrder>

export const OrderStatus = Type.Enum(['PAYMENT_PENDING', 'PAID', 'PAYMENT_FAILED'])

export const Order = Type.Object({
  order_id: Type.String({ format: 'uuid' }),
  user_id: UserId,
  amount: Type.String(),
  status: OrderStatus,
  failure_reason: Type.Optional(FailureReason),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
})
export type Order = Static<typeof Order>

export const ListOrders = Type.Object(
  {
    user_id: UserId,
    status: Type.Optional(OrderStatus),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export const validatePlaceOrder = compile(PlaceOrder)
export const validateListOrders = compile(ListOrders)
