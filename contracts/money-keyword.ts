import type { Ajv, KeywordDefinition } from 'ajv'
import { JsonNumber } from './exact-json.ts'
import { formatMoney, minorOf, parseMoney } from './money.ts'

/** An amount as a request has it: a string, or a number by its own digits. */
export type RequestedAmount = string | JsonNumber

const fault =
  'must be an amount from 0.01 to 9999999999999999.99 as "12.50" or 12.50, with two decimals at most'

/** The keyword `money`: a requested amount that is above zero. */
const validate = Object.assign(
  (_schema: unknown, value: unknown): boolean => {
    const text = textOf(value)
    if (typeof text === 'string' && parseMoney(text)) return true // not zero
    validate.errors = [{ keyword: 'money', message: fault, params: {} }]
    return false
  },
  { errors: [] as object[] },
)

const money = { keyword: 'money', errors: true, validate } as KeywordDefinition

export const addMoneyKeyword = (ajv: Ajv): Ajv => ajv.addKeyword(money)

/**
 * The canonical text of a validated amount, with two places: `10` and `"10.00"` are the same from
 * here on.
 */
export const canonicalAmount = (amount: RequestedAmount): string =>
  formatMoney(minorOf(textOf(amount)))

const textOf = <T>(value: T): Exclude<T, JsonNumber> | string =>
  value instanceof JsonNumber ? value.text : (value as Exclude<T, JsonNumber>)
