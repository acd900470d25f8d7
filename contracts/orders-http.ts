import { type Static, Type } from 'typebox'
import { compile } from './compile.ts'
import { FailureReason } from './events.ts'
import { Cursor, Limit, Moment, Money, MoneyText, PageOf, Uuid } from './http-fields.ts'
import { canonicalAmount } from './money-keyword.ts'
import { orderStatuses } from './order-states.ts'
import { UserId } from './user-id.ts'

/** The HTTP interface of Orders: what comes in, and what goes out. */
export const PlaceOrder = Type.Object(
  { user_id: UserId, amount: Money },
  { additionalProperties: false },
)

/** The same as code handles it: the amount in canonical form. */
export interface PlaceOrder {
  user_id: string
  amount: string
}

export const OrderStatus = Type.Enum(orderStatuses, {
  description:
    'PAYMENT_PENDING becomes PAID or PAYMENT_FAILED, once. A refund makes PAID REFUND_PENDING, and then REFUNDED, or PAID again.',
})

export const Order = Type.Object({
  order_id: Uuid,
  user_id: UserId,
  amount: MoneyText,
  status: OrderStatus,
  failure_reason: Type.Optional(FailureReason),
  created_at: Moment,
  updated_at: Moment,
})
export type Order = Static<typeof Order>

export const OrderPage = PageOf(Order)
export type OrderPage = Static<typeof OrderPage>

export const ListOrders = Type.Object(
  {
    user_id: UserId,
    status: Type.Optional(OrderStatus),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
)

/** The body of a refund: nothing, so far. */
export const RefundOrder = Type.Object({}, { additionalProperties: false })
export const validateRefundOrder = compile(RefundOrder)

export const validatePlaceOrder = compile(PlaceOrder)

/** The validated request with its amount in canonical form: `10` and `"10.0"` become `10.00`. */
export const toPlaceOrder = ({ user_id, amount }: Static<typeof PlaceOrder>): PlaceOrder => ({
  user_id,
  amount: canonicalAmount(amount),
})

export const validateListOrders = compile(ListOrders)
