/** @import { FailureReason } from '#contracts/events.ts' */
/** @import { OrderStatus, PendingStatus } from '#contracts/order-states.ts' */
/** @import { Order } from './api.js' */
/** @typedef {{ text: string, tone: string }} Word */

/**
 * Each status as it is said. The type check compares this with the table of contracts.
 * @type {{ [S in OrderStatus]: Word & { isFinal: S extends PendingStatus ? false : true, isPaid: boolean } }}
 */
const statuses = {
  PAYMENT_PENDING: { text: 'Payment pending', tone: 'pending', isFinal: false, isPaid: false },
  PAID: { text: 'Paid', tone: 'good', isFinal: true, isPaid: true },
  PAYMENT_FAILED: { text: 'Payment refused', tone: 'bad', isFinal: true, isPaid: false },
}
const unknown = { tone: 'pending', isFinal: false, isPaid: false }

/** One that this page does not know yet is shown as it is. @param {string} status */
const knownOf = (status) =>
  statuses[/** @type {OrderStatus} */ (status)] ?? { ...unknown, text: status }

/** @type {Record<FailureReason, string>} */
const reasons = {
  INSUFFICIENT_FUNDS: 'the balance was too small',
  ACCOUNT_NOT_FOUND: 'there was no such account',
}

/** How a status is said. @param {string} status @returns {Word} */
export const wordOf = (status) => ({ text: knownOf(status).text, tone: knownOf(status).tone })

/** Why the payment was refused; empty for an order that was not. @param {Order} order */
export function reasonOf({ status, failure_reason: reason }) {
  if (knownOf(status).tone !== 'bad') return ''
  return reasons[/** @type {FailureReason} */ (reason)] ?? 'no reason was given'
}

/** @param {Order} order */
export const isFinal = ({ status }) => knownOf(status).isFinal

/** @param {Order} order */
export const isPaid = ({ status }) => knownOf(status).isPaid

/** From acceptance to the final status, by the one clock of the database. @param {Order} order */
export const tookMs = ({ created_at, updated_at }) =>
  Date.parse(updated_at) - Date.parse(created_at)
