/** @import { Stage } from './stages.js' */
/** @typedef {{ order_id: string, user_id: string, amount: string, status: string, failure_reason?: string, created_at: string, updated_at: string }} Order */
/** @typedef {{ user_id: string, balance: string, version: number }} Account */
/** @typedef {{ tx_id: string, order_id: string | null, type: string, amount: string, status: string, created_at: string }} LedgerEntry */
/** @typedef {{ type: string, title: string, status: number, detail?: string, instance?: string, errors?: { pointer: string, message: string }[] }} ProblemDocument */

/** Longer than the gateway's own patience: its answer says more than a time-out here. */
const deadlineMs = 15_000

/** An answer that is not the wished one, in the words of the server (RFC 9457), and when to ask again. */
export class Problem extends Error {
  /** @param {ProblemDocument} document @param {string | null} [retryAfter] seconds */
  constructor(document, retryAfter = null) {
    super(document.detail ?? document.title)
    this.document = document
    this.retryAfter = retryAfter
  }

  /** Whether the same request may go well a moment later. A 409 that says when is one still running. */
  get isPassing() {
    return isPassing(this.document) || (this.document.status === 409 && this.retryAfter !== null)
  }

  /** How long the server asks to wait. */
  get retryAfterMs() {
    return Number(this.retryAfter) * 1_000 || 0
  }
}

/** @param {ProblemDocument} problem */
export const isPassing = ({ status }) => status === 0 || status === 429 || status >= 500

/** @param {string} userId @returns {Promise<Account>} */
export const createAccount = (userId) => post('/accounts', { user_id: userId })

/** @param {string} userId @returns {Promise<Account>} */
export const readAccount = (userId) => get(accountPath(userId))

/** @template T @typedef {{ items: T[], next_cursor: string | null }} Page */

/** @param {string} userId @param {number} limit @param {string} [cursor] @returns {Promise<Page<LedgerEntry>>} */
export const readLedger = (userId, limit, cursor) =>
  get(`${accountPath(userId)}/ledger?limit=${limit}${after(cursor)}`)

/** @param {string} userId @param {string} amount @param {string} key @returns {Promise<Account>} */
export const topUp = (userId, amount, key) => post(`${accountPath(userId)}/topup`, { amount }, key)

/** @param {string} userId @param {string} amount @param {string} key @returns {Promise<Order>} */
export const placeOrder = (userId, amount, key) => post('/orders', { user_id: userId, amount }, key)

/** @param {string} userId @param {number} limit @param {string} [cursor] @returns {Promise<Page<Order>>} */
export const readOrders = (userId, limit, cursor) =>
  get(`/orders?user_id=${encodeURIComponent(userId)}&limit=${limit}${after(cursor)}`)

/** @param {string} orderId @returns {Promise<{ stages: Stage[] }>} */
export const readTimeline = (orderId) => get(`/orders/${orderId}/timeline`)

/** @param {string | undefined} cursor */
const after = (cursor) => (cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`)

/** @param {string} userId */
const accountPath = (userId) => `/accounts/${encodeURIComponent(userId)}`

/** @param {string} path */
const get = (path) => call(path, { headers: { accept: 'application/json' } })

/** @param {string} path @param {object} body @param {string} [key] */
const post = (path, body, key) =>
  call(path, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  })

/** @param {string} path @param {RequestInit} init */
async function call(path, init) {
  const response = await send(path, init)
  const body = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body
  throw new Problem(
    body?.title
      ? body
      : {
          type: 'about:blank',
          title: `Unexpected answer (${response.status})`,
          status: response.status,
        },
    response.headers.get('retry-after'),
  )
}

/** @param {string} path @param {RequestInit} init */
async function send(path, init) {
  try {
    return await fetch(path, { ...init, signal: AbortSignal.timeout(deadlineMs) })
  } catch {
    throw new Problem({ type: 'about:blank', title: 'The server could not be reached.', status: 0 })
  }
}
