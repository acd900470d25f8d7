/**
 * Money as text on the wire and in NUMERIC(18,2), as bigint minor units (cents) in code. Never a
 * float.
 */
export const MAX_MINOR = 999_999_999_999_999_999n

const TEXT = /^(0|[1-9]\d{0,15})(?:\.(\d{1,2}))?$/

/**
 * Minor units of a text such as `10`, `10.5` or `10.50`; undefined for anything else: a sign, an
 * exponent, a leading zero, more than two decimals or more than 16 digits before the point.
 */
export function parseMoney(text: string): bigint | undefined {
  const match = TEXT.exec(text)
  if (!match) return undefined
  return BigInt(`${match[1]}${(match[2] ?? '').padEnd(2, '0')}`)
}

/** The inverse, always with two places: `1250n` becomes `12.50`, and `-5n` becomes `-0.05`. */
export function formatMoney(minor: bigint): string {
  const isNegative = minor < 0n
  const digits = (isNegative ? -minor : minor).toString().padStart(3, '0')
  return `${isNegative ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** For text that is known to be money, such as a column or a validated field. Throws otherwise. */
export function minorOf(text: string): bigint {
  const minor = parseMoney(text)
  if (minor === undefined) throw new RangeError(`${JSON.stringify(text)} is not an amount of money`)
  return minor
}
