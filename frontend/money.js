// Money is text from the field to the wire and back, and whole cents (bigint) where it is added up: a
// float would lose the cents of large amounts.

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
 * `1234567.50` as it is written where the reader lives. Intl takes the digits of a text as they are.
 * @param {string} amount
 * @param {string} [locale] that of the browser if absent
 */
export function formatAmount(amount, locale) {
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  })
  return format.format(/** @type {Intl.StringNumericLiteral} */ (amount))
}

/** Cents of an amount with two decimals at most. @param {string} amount */
export function centsOf(amount) {
  const [whole = '0', decimals = ''] = amount.split('.')
  return BigInt(whole + decimals.padEnd(2, '0'))
}

/** The amount of some cents, zero or more. @param {bigint} cents */
export function amountOf(cents) {
  const digits = cents.toString().padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}
