import { Problem } from '#chassis/http/problem.ts'
import { JsonNumber, parseJson } from '#contracts/exact-json.ts'
import { uuidPattern } from '#contracts/http-fields.ts'
import { userIdPattern } from '#contracts/user-id.ts'

/** What a client of the status socket asks for. */
export interface StatusRequest {
  action: 'subscribe' | 'unsubscribe'
  target: 'order' | 'user'
  id: string
}

/** A message as a request. Throws a Problem that says how one looks; undefined stands for binary. */
export function parseRequest(text: string | undefined): StatusRequest {
  const { type, order_id, user_id, ...rest } = parseObject(text)
  if (type !== 'subscribe' && type !== 'unsubscribe') {
    throw new Problem(422, 'The type of a message is "subscribe" or "unsubscribe".')
  }
  if ((order_id === undefined) === (user_id === undefined) || Object.keys(rest).length > 0) {
    throw new Problem(422, `A message to ${type} has an order_id or a user_id, and nothing else.`)
  }
  return order_id === undefined
    ? requestOf(type, 'user', user_id)
    : requestOf(type, 'order', order_id)
}

/** The requests in the query of the address, each to be read by itself, since each may be wrong. */
export function requestsIn({ searchParams }: URL): (() => StatusRequest)[] {
  return [...searchParams].flatMap(([name, value]) => {
    if (name === 'order_id') return [() => requestOf('subscribe', 'order', value)]
    if (name === 'user_id') return [() => requestOf('subscribe', 'user', value)]
    return []
  })
}

function requestOf(
  action: StatusRequest['action'],
  target: StatusRequest['target'],
  id: unknown,
): StatusRequest {
  const pattern = target === 'order' ? uuidPattern : userIdPattern
  if (typeof id === 'string' && pattern.test(id)) return { action, target, id }
  const shown = id instanceof JsonNumber ? id.text : JSON.stringify(id)
  throw new Problem(422, `The ${target}_id ${shown} is not one.`, {
    errors: [{ pointer: `/${target}_id`, message: 'is malformed' }],
  })
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = text === undefined ? undefined : parseJson(text)
    if (isObject(value)) return { ...value }
  } catch {
    // said below
  }
  throw new Problem(400, 'A message is a JSON object, as text, that has no key twice.')
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof JsonNumber)
