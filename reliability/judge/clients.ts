import { randomUUID } from 'node:crypto'
import { pause } from '#chassis/pause.ts'
import { formatMoney } from '#contracts/money.ts'
import type { Call, CallKind, History } from './history.ts'

/** Where the clients reach the system: both the same behind a gateway. */
export interface Doors {
  orders: string
  payments: string
}

export interface Insisting {
  /** Gives up: the call stays `unknown`. */
  signal?: AbortSignal
  /** An attempt that is not answered by then has failed. */
  timeoutMs?: number
  pauseMs?: number
}

/** Every so many-th call that was taken is made once more: it must be answered as before. */
const doubtEvery = 5

/**
 * Clients that repeat a call with the same Idempotency-Key until they are answered, now and then
 * even after that, and whose every call is in the history before it is made.
 */
export class Clients {
  readonly #history: History
  readonly #doors: Doors
  #taken = 0

  constructor(history: History, doors: Doors) {
    this.#history = history
    this.#doors = doors
  }

  openAccount = (userId: string, insisting?: Insisting) =>
    this.#insist('account', userId, 0n, insisting)

  topUp = (userId: string, amountMinor: bigint, insisting?: Insisting) =>
    this.#insist('topup', userId, amountMinor, insisting)

  /** Answered with the order, or given up. */
  placeOrder = (userId: string, amountMinor: bigint, insisting?: Insisting) =>
    this.#insist('order', userId, amountMinor, insisting)

  /**
   * Answered with the order, or given up; undefined too when the order is not one that can be
   * refunded.
   */
  refund = (order: RefundedOrder, insisting?: Insisting) =>
    this.#insist('refund', order.userId, order.amountMinor, insisting, order.orderId)

  async #insist(
    kind: CallKind,
    userId: string,
    amountMinor: bigint,
    { signal = new AbortController().signal, timeoutMs = 12_000, pauseMs = 50 }: Insisting = {},
    orderId?: string,
  ): Promise<Record<string, unknown> | undefined> {
    const call = this.#history.ask({ kind, userId, key: randomUUID(), amountMinor, orderId })
    const { url, body } = this.#requestOf(call)
    const headers = { 'content-type': 'application/json', 'idempotency-key': call.key }
    const attempt = async () => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const answer = await post(url, { headers, body, signal: limited })
      if (!answer || !isFinal(answer)) return undefined
      this.#history.answer(call, answer.status, answer.text)
      return answer
    }
    while (!signal.aborted) {
      const answer = await attempt()
      if (answer) {
        if (answer.status >= 300) return undefined
        if (++this.#taken % doubtEvery === 0) await attempt()
        return JSON.parse(answer.text)
      }
      await pause(pauseMs, signal)
    }
    return undefined
  }

  #requestOf({ kind, userId: user_id, amountMinor, orderId }: Call): { url: URL; body: string } {
    const { orders, payments } = this.#doors
    const amount = formatMoney(amountMinor)
    switch (kind) {
      case 'account':
        return { url: new URL('/accounts', payments), body: JSON.stringify({ user_id }) }
      case 'topup': {
        const url = new URL(`/accounts/${user_id}/topup`, payments)
        return { url, body: JSON.stringify({ amount }) }
      }
      case 'order':
        return { url: new URL('/orders', orders), body: JSON.stringify({ user_id, amount }) }
      case 'refund':
        return { url: new URL(`/orders/${orderId}/refund`, orders), body: '{}' }
    }
  }
}

/** An order as far as a refund of it goes. */
export interface RefundedOrder {
  orderId: string
  userId: string
  amountMinor: bigint
}

interface Answer {
  status: number
  text: string
  /** With Retry-After: the same call may be answered otherwise later. */
  mayPass: boolean
}

const isFinal = ({ status, mayPass }: Answer): boolean =>
  status !== 429 && status < 500 && !(status === 409 && mayPass)

/** Undefined when no whole answer came. */
async function post(
  url: URL,
  init: Pick<RequestInit, 'headers' | 'body' | 'signal'> & { body: string },
): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', ...init })
    const mayPass = response.headers.has('retry-after')
    return { status: response.status, text: await response.text(), mayPass }
  } catch {
    return undefined
  }
}
