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

/**
 * Clients that repeat a call with the same Idempotency-Key until they are answered, and whose every
 * call is in the history before it is made.
 */
export class Clients {
  readonly #history: History
  readonly #doors: Doors

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

  async #insist(
    kind: CallKind,
    userId: string,
    amountMinor: bigint,
    { signal = new AbortController().signal, timeoutMs = 12_000, pauseMs = 50 }: Insisting = {},
  ): Promise<Record<string, unknown> | undefined> {
    const call = this.#history.ask({ kind, userId, key: randomUUID(), amountMinor })
    const { url, body } = this.#requestOf(call)
    const headers = { 'content-type': 'application/json', 'idempotency-key': call.key }
    while (!signal.aborted) {
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const answer = await post(url, { headers, body, signal: attempt })
      if (answer && answer.status !== 409 && answer.status !== 429 && answer.status < 500) {
        this.#history.answer(call, answer.status, answer.text)
        return answer.status < 300 ? JSON.parse(answer.text) : undefined
      }
      await pause(pauseMs, signal)
    }
    return undefined
  }

  #requestOf({ kind, userId: user_id, amountMinor }: Call): { url: URL; body: string } {
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
    }
  }
}

/** Undefined when no whole answer came. */
async function post(
  url: URL,
  init: Pick<RequestInit, 'headers' | 'body' | 'signal'> & { body: string },
): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', ...init })
    return { status: response.status, text: await response.text() }
  } catch {
    return undefined
  }
}
