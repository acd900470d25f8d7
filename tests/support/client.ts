import { AssertionError } from 'node:assert'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Order } from '#contracts/orders-http.ts'
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
 * One request through the gateway, as it is: no retries. Fails when the answer is not what the OpenAPI
 * documents say of this call.
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

/** A POST as a careful client makes it: again, with the same Idempotency-Key, until it is answered. */
export async function insist(gateway: string, path: string, body: object): Promise<Reply> {
  const headers = { 'idempotency-key': randomUUID() }
  for (;;) {
    const reply = await call(gateway, 'POST', path, { body, headers }).catch(unlessWrong)
    if (reply && reply.status !== 409 && reply.status < 500) return reply
    await delay(50)
  }
}

/** A call that failed may be made again; an answer that is not as documented stays a fault. */
function unlessWrong(error: unknown): undefined {
  if (error instanceof AssertionError) throw error
}

/** Follows orders on the WebSocket, reconnecting and subscribing again whenever it is cut. */
export class OrderWatcher {
  /** The final status of each order that ended, as often as it was told. */
  readonly finals = new Map<string, string[]>()
  readonly #url: string
  readonly #open = new Set<string>()
  readonly #onFinal: (orderId: string, status: string) => void
  #socket: WebSocket | undefined
  #closed = false
  #later: NodeJS.Timeout | undefined

  constructor(gateway: string, onFinal: (orderId: string, status: string) => void = () => {}) {
    this.#onFinal = onFinal
    this.#url = `${gateway.replace(/^http/, 'ws')}/orders/ws`
    this.#connect()
  }

  follow(orderId: string): void {
    this.#open.add(orderId)
    this.#subscribe(orderId)
  }

  /** Orders of which the end was not told yet. */
  get open(): number {
    return this.#open.size
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#later)
    this.#socket?.close()
  }

  #connect(): void {
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener('open', () => {
      for (const orderId of this.#open) this.#subscribe(orderId)
    })
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data))))
    socket.addEventListener('close', () => {
      if (!this.#closed) setTimeout(() => this.#connect(), 100)
    })
  }

  #subscribe(order_id: string): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    this.#socket.send(JSON.stringify({ type: 'subscribe', order_id }))
  }

  #subscribeLater(): void {
    clearTimeout(this.#later)
    this.#later = setTimeout(() => {
      for (const orderId of this.#open) this.#subscribe(orderId)
    }, 500)
  }

  #hear(message: { type: string; problem?: { status: number } } & Partial<Order>): void {
    const { order_id, status } = message
    if (message.problem?.status === 503)
      this.#socket?.close() // the database is away: begin again
    else if (message.problem) this.#subscribeLater() // too many at a time, perhaps
    if (!order_id || !status || status === 'PAYMENT_PENDING') return
    this.#open.delete(order_id)
    this.finals.set(order_id, [...(this.finals.get(order_id) ?? []), status])
    this.#onFinal(order_id, status)
  }
}
