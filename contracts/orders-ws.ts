import type { ValidateFunction } from 'ajv'
import { type Static, Type } from 'typebox'
import { compile } from './compile.ts'
import { Uuid } from './http-fields.ts'
import { Order } from './orders-http.ts'
import { ProblemDocument } from './problem.ts'
import { UserId } from './user-id.ts'

/** What travels on the WebSocket `/orders/ws`. */
export const statusSocketPath = '/orders/ws'

/** The server closes with it when the token expires: connect again with another one. */
export const tokenExpiredCode = 4401

const strict = { additionalProperties: false }

const ofOrder = <Name extends string>(type: Name) =>
  Type.Object({ type: Type.Literal(type), order_id: Uuid }, strict)
const ofUser = <Name extends string>(type: Name) =>
  Type.Object({ type: Type.Literal(type), user_id: UserId }, strict)

/** From the client: follow an order, or every order of a user; and no more. */
export const Subscribe = Type.Union([ofOrder('subscribe'), ofUser('subscribe')])
export const Unsubscribe = Type.Union([ofOrder('unsubscribe'), ofUser('unsubscribe')])

/** By the type of a message and what it names: the validators of the four alternatives above. */
export const requestValidators: Record<
  'subscribe' | 'unsubscribe',
  {
    order_id: ValidateFunction<{ order_id: string }>
    user_id: ValidateFunction<{ user_id: string }>
  }
> = {
  subscribe: { order_id: compile(ofOrder('subscribe')), user_id: compile(ofUser('subscribe')) },
  unsubscribe: {
    order_id: compile(ofOrder('unsubscribe')),
    user_id: compile(ofUser('unsubscribe')),
  },
}

/** From the server: an order as it is now. */
export const OrderMessage = Type.Object({ type: Type.Literal('order'), ...Order.properties })
export type OrderMessage = Static<typeof OrderMessage>

/** What a request names, as it came: it may be malformed. */
const RequestedTarget = {
  order_id: Type.Optional(Type.String({ description: 'the order_id of the refused request' })),
  user_id: Type.Optional(Type.String({ description: 'the user_id of the refused request' })),
}

/**
 * From the server: a request that is refused; the connection stays, and so do its subscriptions.
 */
export const ErrorMessage = Type.Object({
  type: Type.Literal('error'),
  ...RequestedTarget,
  problem: ProblemDocument,
})
export type ErrorMessage = Static<typeof ErrorMessage>
