/** @import { LedgerEntry, Order, Page } from './api.js' */
import { Problem, placeOrder, readLedger, readOrders } from './api.js'
import { randomKey } from './intent.js'
import { pause } from './time.js'

/** A browser opens no more connections than that to one place. */
const lanes = 6
const pageSize = 100
const longestPauseMs = 4_000
/** For an answer to one order: the servers come back, and a request that still runs ends, sooner. */
const patienceMs = 120_000

/**
 * Places many orders, each with a key of its own, and again with the same key while there is no answer.
 * Throws what will not pass, or has not for two minutes.
 * @param {{ userId: string, count: number, amount: string, signal: AbortSignal, onPlaced: (order: Order) => void }} burst
 */
export async function placeMany({ userId, count, amount, signal, onPlaced }) {
  let left = count
  const lane = async () => {
    while (left > 0 && !signal.aborted) {
      left--
      const key = randomKey()
      const order = await insist(() => placeOrder(userId, amount, key), signal)
      if (order) onPlaced(order)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/**
 * Until it is answered, or told to stop: again when the server says, and a random moment later.
 * @template T @param {() => Promise<T>} act @param {AbortSignal} signal @returns {Promise<T | undefined>}
 */
async function insist(act, signal) {
  const giveUpAt = performance.now() + patienceMs
  for (let pauseMs = 200; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await act()
    } catch (error) {
      const isOver = performance.now() > giveUpAt
      if (!(error instanceof Problem) || !error.isPassing || isOver) throw error
      await pause(error.retryAfterMs + pauseMs / 2 + (Math.random() * pauseMs) / 2, signal)
      if (signal.aborted) return undefined
    }
  }
}

/**
 * The latest of a user's orders, back to the last that is looked for.
 * @param {string} userId @param {Search<Order>} search
 */
export const findOrders = (userId, search) =>
  pagesUntil((cursor) => readOrders(userId, pageSize, cursor), search)

/**
 * The latest entries of a user's ledger, the same way.
 * @param {string} userId @param {Search<LedgerEntry>} search
 */
export const findEntries = (userId, search) =>
  pagesUntil((cursor) => readLedger(userId, pageSize, cursor), search)

/**
 * How many are looked for, and how one is known. Whoever has other orders at the same time is read
 * somewhat further back, not without end.
 * @template T @typedef {{ count: number, isWanted: (item: T) => boolean }} Search
 */

/** @template T @param {(cursor?: string) => Promise<Page<T>>} read @param {Search<T>} search */
async function pagesUntil(read, { count, isWanted }) {
  const most = 2 * count + 2 * pageSize
  /** @type {T[]} */
  const found = []
  let seen = 0
  /** @type {string | null | undefined} */
  let cursor
  do {
    const page = await read(cursor ?? undefined)
    found.push(...page.items.filter(isWanted))
    seen += page.items.length
    cursor = page.next_cursor
  } while (cursor !== null && found.length < count && seen < most)
  return found
}
