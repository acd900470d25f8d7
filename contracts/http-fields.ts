import { Type } from 'typebox'

/**
 * An amount in a request: a decimal string or a JSON number, taken exactly. The keyword `money`
 * (money-keyword.ts) checks it and leaves the canonical string.
 */
export const Money = Type.Unsafe<string>({
  money: true,
  description: '0.01 to 9999999999999999.99, a string or a number with two decimals at most',
})

/** How many items a page has, in a query string. */
export const Limit = Type.String({
  pattern: '^([1-9][0-9]?|100)$',
  description: '1 to 100, 20 if absent',
})

export const defaultLimit = 20

/** The canonical form of a UUID, the only one that is taken. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
