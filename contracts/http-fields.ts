import { type TSchema, Type } from 'typebox'
import type { RequestedAmount } from './money-keyword.ts'

/** Money in an answer: exact, with two places. Zero is one, for a balance. */
export const MoneyText = Type.String({
  pattern: '^(0|[1-9][0-9]{0,15})\\.[0-9]{2}$',
  description: 'money, exact to the cent, with two places',
  examples: ['12.50'],
})

/**
 * An amount in a request: a decimal string or a JSON number, taken exactly. The keyword `money`
 * (money-keyword.ts) checks it.
 */
export const Money = Type.Unsafe<RequestedAmount>({
  money: true,
  description: '0.01 to 9999999999999999.99, a string or a number with two decimals at most',
  documented: {
    description:
      '0.01 to 9999999999999999.99, exact: a string, or a number of plain digits, with two decimals at most',
    anyOf: [
      { type: 'string', pattern: '^(?!0(\\.0{1,2})?$)(0|[1-9][0-9]{0,15})(\\.[0-9]{1,2})?$' },
      { type: 'number', minimum: 0.01, exclusiveMaximum: 1e16 },
    ],
    examples: ['12.50', 12.5, 10],
  },
})

/** How many items a page has, in a query string. */
export const Limit = Type.Unsafe<string>({
  type: 'string',
  pattern: '^([1-9][0-9]?|100)$',
  description: '1 to 100, 20 if absent',
  documented: {
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: 20,
    description: 'how many items the page has at most',
  },
})

export const defaultLimit = 20

/** Where the next page begins. */
export const Cursor = Type.String({
  description: 'the next_cursor of the page before; absent for the first page',
})

/** A page of a list that is sorted newest first. */
export const PageOf = <Item extends TSchema>(item: Item) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()], {
      description: 'the cursor of the next page; null on the last one',
    }),
  })

/** A moment as every answer writes it: RFC 3339, UTC, milliseconds. */
export const Moment = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'UTC, to the millisecond',
  examples: ['2026-01-31T12:00:00.000Z'],
})

/** The canonical form of a UUID, the only one that is taken. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const Uuid = Type.String({
  pattern: uuidPattern.source,
  format: 'uuid',
  description: 'a UUID in lower case',
  examples: ['01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f'],
})
