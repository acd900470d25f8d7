import { Client } from '#client/client.ts'
import type { Following } from '#client/follow.ts'
import { isPending } from '#contracts/order-states.ts'
import { assertDocumented } from './documented.ts'

/** What came back: the body parsed, if it was JSON. */
export interface Reply {
  status: number
  headers: Headers
  body: Record<string, unknown> & { items?: Record<string, unknown>[] }
}

/** A body that is no string is sent as JSON. */
export interface Request {
  body?: unknown
  headers?: Record<string, string>
  /** False where something else answers than the APIs. */
  documented?: boolean
}

/**
 * One request through the gateway, as it is: no retries. Fails when the answer is not what the
 * OpenAPI documents say of this call.
 */
export async function call(
  gateway: string,
  method: string,
  path: string,
  { body, headers = {}, documented = true }: Request = {},
): Promise<Reply> {
  const response = await fetch(new URL(path, gateway), {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const contentType = response.headers.get('content-type') ?? ''
  const isJson = contentType.includes('json') && text !== ''
  const reply = {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : { text },
  }
  if (documented) assertDocumented({ method, path, contentType, ...reply })
  return reply
}

/** The same, again for as long as the answer is that it is too early. */
export async function callUntilReady(...request: Parameters<typeof call>): Promise<Reply> {
  let reply = await call(...request)
  while (reply.status === 409 && reply.headers.has('retry-after')) reply = await call(...request)
  return reply
}

/**
 * A POST as a careful client makes it: again, with the same Idempotency-Key, until it is answered.
 */
export async function insist(gateway: string, path: string, body: object): Promise<Reply> {
  const client = new Client({
    gateway,
    totalTimeoutMs: Number.POSITIVE_INFINITY,
    fetch: checkedFetch,
  })
  return (await client.request(path, body)) as Reply
}

/** For a client: fails when an answer is not what the OpenAPI documents say. */
export async function checkedFetch(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  const text = await response.text()
  assertDocumented({
    method: init.method ?? 'GET',
    path: url.pathname,
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: JSON.parse(text),
  })
  return new Response(text, response)
}

/** Follows orders, and remembers how they ended. */
export class OrderSubscriber {
  /** The final status of each order that ended, as often as it was told. */
  readonly finals = new Map<string, string[]>()
  readonly #following: Following

  constructor(gateway: string, onFinal: (orderId: string, status: string) => void = () => {}) {
    this.#following = new Client({ gateway }).follow({
      onOrder: ({ order_id, status }) => {
        if (isPending(status)) return
        this.finals.set(order_id, [...(this.finals.get(order_id) ?? []), status])
        onFinal(order_id, status)
      },
    })
  }

  follow(orderId: string): void {
    this.#following.order(orderId)
  }

  /** Orders of which the end was not told yet. */
  get open(): number {
    return this.#following.size
  }

  close(): void {
    this.#following.close()
  }
}
