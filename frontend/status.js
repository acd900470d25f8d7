/** @import { Order } from './api.js' */
/** @typedef {{ text: string, tone: string }} Word */

/** @type {Record<string, Word>} */
const words = {
  PAYMENT_PENDING: { text: 'Payment pending', tone: 'pending' },
  PAID: { text: 'Paid', tone: 'good' },
  PAYMENT_FAILED: { text: 'Payment refused', tone: 'bad' },
}

/** @type {Record<string, string>} */
const reasons = {
  INSUFFICIENT_FUNDS: 'the balance was too small',
  ACCOUNT_NOT_FOUND: 'there was no such account',
}

/** How a status is said. @param {string} status @returns {Word} */
export const wordOf = (status) => words[status] ?? { text: status, tone: 'pending' }

/** Why the payment was refused; empty for an order that was not. @param {Order} order */
export function reasonOf({ status, failure_reason: reason }) {
  if (status !== 'PAYMENT_FAILED') return ''
  return reasons[reason ?? ''] ?? 'no reason was given'
}

/** @param {Order} order */
export const isFinal = ({ status }) => status !== 'PAYMENT_PENDING'

/** From acceptance to the final status, by the one clock of the database. @param {Order} order */
export const tookMs = ({ created_at, updated_at }) =>
  Date.parse(updated_at) - Date.parse(created_at)
