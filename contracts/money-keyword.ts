import type { Ajv, KeywordDefinition } from 'ajv'
import { JsonNumber } from './exact-json.ts'
import { formatMoney, parseMoney } from './money.ts'

const fault =
  'must be an amount from 0.01 to 9999999999999999.99 as "12.50" or 12.50, with two decimals at most'

/**
 * The keyword `money`: takes a string or a number by its own digits, and puts the canonical text
 * (two places) in its place, so that `10` and `"10.00"` mean the same from here on.
 */
interface Place {
  parentData: Record<string | number, unknown>
  parentDataProperty: string | number
}

const validate = Object.assign(
  (_schema: unknown, value: unknown, _parent?: unknown, at?: Place): boolean => {
    const text = value instanceof JsonNumber ? value.text : value
    const minor = typeof text === 'string' ? parseMoney(text) : undefined
    if (!minor || !at) {
      validate.errors = [{ keyword: 'money', message: fault, params: {} }]
      return false
    }
    at.parentData[at.parentDataProperty] = formatMoney(minor)
    return true
  },
  { errors: [] as object[] },
)

const money = { keyword: 'money', modifying: true, errors: true, validate } as KeywordDefinition

export const addMoneyKeyword = (ajv: Ajv): Ajv => ajv.addKeyword(money)
