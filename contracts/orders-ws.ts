import { type Static, Type } from 'typebox'
import { Uuid } from './http-fields.ts'
import { Order } from './orders-http.ts'
import { ProblemDocument } from './problem.ts'
import { UserId } from './user-id.ts'

/** What travels on the WebSocket `/orders/ws`. */
export const statusSocketPath = '/orders/ws'

const request = <Name extends string>(type: Name) => {
  const strict = { additionalProperties: false }
  return Type.Union([
    Type.Object({ type: Type.Literal(type), order_id: Uuid }, strict),
    Type.Object({ type: Type.Literal(type), user_id: UserId }, strict),
  ])
}

/** From the client: follow an order, or every order of a user; and no more. */
export const Subscribe = request('subscribe')
export const Unsubscribe = request('unsubscribe')

/** From the server: an order as it is now. */
export const OrderMessage = Type.Object({ type: Type.Literal('order'), ...Order.properties })
export type OrderMessage = Static<typeof OrderMessage>

/** From the server: a message that it cannot follow, and what that was about; the connection stays. */
export const ErrorMessage = Type.Object({
  type: Type.Literal('error'),
  order_id: Type.Optional(Type.String({ description: 'as the message named it' })),
  user_id: Type.Optional(Type.String({ description: 'as the message named it' })),
  problem: ProblemDocument,
})
export type ErrorMessage = Static<typeof ErrorMessage>
