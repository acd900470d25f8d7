import { formatMoney, parseMoney } from '#contracts/money.ts'

/**
 * What was typed, as the API writes it: more than zero, with two places. A decimal comma is
 * understood; a thousands separator is refused rather than guessed at.
 */
export function parseAmount(typed: string): string | undefined {
  const minor = parseMoney(typed.trim().replace(',', '.'))
  return minor ? formatMoney(minor) : undefined
}

/**
 * `1234567.50` as it is written where the reader lives, or in the locale that is given. Intl takes
 * the digits of a text as they are.
 */
export function formatAmount(amount: string, locale?: string): string {
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  })
  return format.format(amount as Intl.StringNumericLiteral)
}
