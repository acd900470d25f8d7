/** @import { LedgerEntry, Order } from './api.js' */
import { amountOf, centsOf } from './money.js'
import { isFinal, isPaid, tookMs } from './status.js'

/**
 * What has become of many orders that were placed together. Decides nothing, counts only.
 * @param {number} wanted @param {string} amount of each
 */
export function createTally(wanted, amount) {
  /** @type {Map<string, Order>} */
  const orders = new Map()
  let sent = wanted

  return {
    /** @param {Order} order */
    hasOrder: (order) => orders.has(order.order_id),

    /** Whether it decided an order of the burst. @param {LedgerEntry} entry */
    hasDebit: ({ type, order_id }) => type === 'DEBIT' && order_id !== null && orders.has(order_id),

    /** News of an order of the burst; a final status stays. @param {Order} order */
    take(order) {
      const known = orders.get(order.order_id)
      if (!known || !isFinal(known)) orders.set(order.order_id, order)
    },

    /** No more will be placed than were until now. */
    stop() {
      sent = orders.size
    },

    read() {
      const all = [...orders.values()]
      const durations = all
        .filter(isFinal)
        .map(tookMs)
        .sort((a, b) => a - b)
      const paid = all.filter(isPaid).length
      const due = amountOf(BigInt(paid) * centsOf(amount))
      const refused = durations.length - paid
      return {
        sent,
        placed: all.length,
        paid,
        refused,
        due,
        durations,
        isDone: durations.length === sent,
      }
    },
  }
}

/**
 * What was taken by some debits of the ledger, and how many of them took for an order once more.
 * @param {LedgerEntry[]} entries
 */
export function takings(entries) {
  const debits = entries.filter(({ status }) => status === 'SUCCESS')
  const cents = debits.reduce((sum, { amount }) => sum + centsOf(amount), 0n)
  const orders = new Set(debits.map(({ order_id }) => order_id))
  return { taken: amountOf(cents), twice: debits.length - orders.size }
}

/** The time within which such a part of all was done. @param {number[]} sorted @param {number} part */
export const quantile = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)]

/**
 * How many took how long: columns of one round width, so many at most, from nothing to the slowest.
 * @param {number[]} sorted milliseconds @param {number} columns
 */
export function histogramOf(sorted, columns) {
  const slowest = sorted.at(-1) ?? 0
  const widthMs = roundUp((slowest + 1) / columns)
  const counts = new Array(Math.max(1, Math.ceil((slowest + 1) / widthMs))).fill(0)
  for (const ms of sorted) counts[Math.floor(ms / widthMs)]++
  return { widthMs, counts }
}

/** To 1, 2 or 5 with zeros. @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value)))
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= value) ?? 10 * power
}
