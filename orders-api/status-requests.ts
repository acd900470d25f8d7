import { Problem } from '#chassis/http/problem.ts'
import { validated } from '#chassis/http/validation.ts'
import { JsonNumber, parseJson } from '#contracts/exact-json.ts'
import { requestValidators } from '#contracts/orders-ws.ts'

/** What a client of the status socket asks for. */
export interface StatusRequest {
  action: 'subscribe' | 'unsubscribe'
  target: 'order' | 'user'
  id: string
}

/** A message of a client: some object, which names what it is about if it is a request. */
export type Message = Record<string, unknown>

/** The object in a message. Throws a Problem (400) if there is none; undefined stands for binary. */
export function messageIn(text: string | undefined): Message {
  try {
    const value: unknown = text === undefined ? undefined : parseJson(text)
    if (isObject(value)) return { ...value }
  } catch {
    // said below
  }
  throw new Problem(400, 'A message must be a JSON object, sent as text, with no key twice.')
}

/** The requests in the query of the address, as the messages that they stand for. */
export const messagesIn = ({ searchParams }: URL): Message[] =>
  [...searchParams].flatMap(([name, value]) =>
    name === 'order_id' || name === 'user_id' ? [{ type: 'subscribe', [name]: value }] : [],
  )

/** What a message names, to be named again in an error about it. */
export const targetOf = (message: Message) => ({
  ...(typeof message.order_id === 'string' && { order_id: message.order_id }),
  ...(typeof message.user_id === 'string' && { user_id: message.user_id }),
})

/** A message as a request. Throws a Problem (422) that says what a valid one looks like. */
export function requestOf(message: Message): StatusRequest {
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
    return { action, target: 'order', id: validated(validators.order_id, message).order_id }
  }
  if ('user_id' in message) {
    return { action, target: 'user', id: validated(validators.user_id, message).user_id }
  }
  throw new Problem(422, `A message to ${action} must have an order_id or a user_id.`)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof JsonNumber)
