// Money is text from the field to the wire and back: a float would lose the cents of large amounts.

/**
 * What was typed, as the API takes it: at most sixteen digits, at most two decimals, more than zero.
 * A decimal comma is understood; a thousands separator is refused rather than guessed at.
 * @param {string} typed
 * @returns {string | undefined}
 */
export function parseAmount(typed) {
  const text = typed.trim().replace(',', '.')
  const isAmount = /^(?:0|[1-9]\d{0,15})(?:\.\d{1,2})?$/.test(text)
  return isAmount && /[1-9]/.test(text) ? text : undefined
}

/**
 * `1234567.50` with its thousands apart, by thin spaces.
 * @param {string} amount
 */
export function formatAmount(amount) {
  const [whole = '', decimals = '00'] = amount.split('.')
  return `${whole.replace(/\B(?=(?:\d{3})+$)/g, '\u2009')}.${decimals}`
}
