import { JsonNumber, parseJson } from '#contracts/exact-json.ts'
import { requestValidators } from '#contracts/orders-ws.ts'
import { Problem } from '#http/problem.ts'
import { validated } from '#http/validation.ts'
import type { Target } from './subscriber.ts'

/** What a client asks for. */
export interface SubscriptionRequest {
  action: 'subscribe' | 'unsubscribe'
  target: Target
}

/** A message of a client: any JSON object, not validated yet. */
export type Message = Record<string, unknown>

/**
 * The JSON object in a text message; undefined stands for a binary one. Throws a Problem (400) if
 * there is none.
 */
export function parseMessage(text: string | undefined): Message {
  try {
    const value: unknown = text === undefined ? undefined : parseJson(text)
    if (isObject(value)) return { ...value }
  } catch {
    // the Problem below says so
  }
  throw new Problem(400, 'A message must be a JSON object, sent as text, with no key twice.')
}

/** The subscriptions in the query of the address, as the messages that they stand for. */
export const subscribeMessagesIn = ({ searchParams }: URL): Message[] =>
  [...searchParams].flatMap(([name, value]) =>
    name === 'order_id' || name === 'user_id' ? [{ type: 'subscribe', [name]: value }] : [],
  )

/** The order_id and the user_id of a message, valid or not, for an error about it. */
export const requestedTarget = (message: Message) => ({
  ...(typeof message.order_id === 'string' && { order_id: message.order_id }),
  ...(typeof message.user_id === 'string' && { user_id: message.user_id }),
})

/** The request in a message. Throws a Problem (422) that says what a valid request looks like. */
export function parseRequest(message: Message): SubscriptionRequest {
  const { type: action } = message
  if (action !== 'subscribe' && action !== 'unsubscribe') {
    throw new Problem(422, 'The type of a message must be "subscribe" or "unsubscribe".', {
      errors: [{ pointer: '/type', message: 'must be "subscribe" or "unsubscribe"' }],
    })
  }
  const validators = requestValidators[action]
  if ('order_id' in message && 'user_id' in message) {
    throw new Problem(422, `A message to ${action} must have an order_id or a user_id, not both.`)
  }
  if ('order_id' in message) {
    const { order_id: id } = validated(validators.order_id, message)
    return { action, target: { kind: 'order', id } }
  }
  if ('user_id' in message) {
    const { user_id: id } = validated(validators.user_id, message)
    return { action, target: { kind: 'user', id } }
  }
  throw new Problem(422, `A message to ${action} must have an order_id or a user_id.`)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof JsonNumber)
