import fc from 'fast-check'
import { formatMoney } from '#contracts/money.ts'
import { standIns, users } from './stand-ins.ts'

/** As much of a JSON Schema as ours use. */
export interface Schema {
  type?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  pattern?: string
  format?: string
  properties?: Record<string, Schema>
  items?: Schema
  minimum?: number
  maximum?: number
  exclusiveMaximum?: number
  documented?: Schema
}

/** Bytes as a text of latin1, so that any byte can be in it, also one that is no UTF-8. */
export const bytes = (text: string): string => Buffer.from(text).toString('latin1')

/** JSON texts that fit a schema, but for a fault here and there. */
export function jsonFor(schema: Schema, name = ''): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 60, arbitrary: fittingJson(schema, name) },
    { weight: 1, arbitrary: oddJson },
  )
}

function fittingJson(schema: Schema, name: string): fc.Arbitrary<string> {
  const { anyOf, properties, items, documented } = schema
  if (documented) return fittingJson(documented, name)
  if (anyOf) return fc.oneof(...anyOf.map((one) => fittingJson(one, name)))
  if (properties) return objectFor(properties)
  if (items) {
    return fc.array(jsonFor(items), { maxLength: 3 }).map((all) => `[${all.join()}]`)
  }
  if (schema.type === 'number' || schema.type === 'integer') return numberFor(schema)
  return textFor(schema, name).map((text) => JSON.stringify(text))
}

const numberFor = ({ minimum = 0, maximum = 1e6, type }: Schema): fc.Arbitrary<string> =>
  fc
    .integer({ min: Math.ceil(minimum), max: Math.min(maximum, 1e6) })
    .chain((whole) => (type === 'integer' ? fc.constant('') : fc.constantFrom('', '.5', '.50')).map((cents) => `${whole}${cents}`)) // biome-ignore format: one line

/** Texts that fit the schema of a string; of an id, mostly one that is there. */
export function textFor(schema: Schema, name: string): fc.Arbitrary<string> {
  const fitting = fittingText(schema)
  const known = { user_id: [users.own, users.own, users.foreign], order_id: [standIns.ownOrder, standIns.foreignOrder] }[name] // biome-ignore format: one line
  if (!known) return fitting
  const weight = name === 'user_id' ? 8 : 2
  return fc.oneof(
    { weight, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fitting },
  )
}

function fittingText(schema: Schema): fc.Arbitrary<string> {
  if (schema.const !== undefined) return fc.constant(String(schema.const))
  if (schema.enum) return fc.constantFrom(...schema.enum.map(String))
  if (schema.type === 'integer') return numberFor(schema)
  if (schema.format === 'date-time') return momentText
  if (!schema.pattern) return fc.string({ maxLength: 40 })
  const pattern = new RegExp(schema.pattern)
  const own = [fc.uuid(), moneyText].find((one) => fc.sample(one, 5).every((text) => pattern.test(text))) // biome-ignore format: one line
  return (own ?? fc.stringMatching(pattern)).filter((text) => pattern.test(text))
}

/** `fc.stringMatching` takes milliseconds for each of these, and knows no lookahead. */
const moneyText = fc
  .oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(1, 99_999_999_999_999))
  .map((cents) => formatMoney(BigInt(cents)))

const momentText = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
  .map((date) => date.toISOString())

type Field = [key: string, value: string]

/** The fields of an object, each there or not, in any order, with others, some of them twice. */
function objectFor(properties: Record<string, Schema>): fc.Arbitrary<string> {
  const fields = Object.entries(properties).map(([key, schema]) =>
    fc.tuple(
      fc.oneof(
        { weight: 150, arbitrary: fc.constant(JSON.stringify(key)) },
        { weight: 1, arbitrary: fc.constantFrom(...disguises(key)) },
      ),
      jsonFor(schema, key),
      fc.oneof(
        { weight: 60, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.constantFrom(0, 2) },
      ),
    ),
  )
  const extra = fc.tuple(oddKey, oddJson)
  return fc
    .tuple(
      fc.tuple(...fields),
      fc.oneof(
        { weight: 12, arbitrary: fc.constant<Field[]>([]) },
        { weight: 1, arbitrary: fc.array(extra, { maxLength: 3 }) },
      ),
      fc.constantFrom('', '', '', '', ' ', '\n\t', '\r'),
    )
    .map(([known, extras, space]) => {
      const all: Field[] = [
        ...known.flatMap(([key, value, times]) => Array<Field>(times).fill([key, value])),
        ...extras,
      ]
      return `{${all.map(([key, value]) => `${space}${key}${space}:${value}`).join()}}`
    })
}

/** A key that is the same to a reader, or nearly. */
const disguises = (key: string): string[] => [
  `"\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}"`,
  JSON.stringify(key.toUpperCase()),
  JSON.stringify(`${key}\0`),
  JSON.stringify(` ${key}`),
]

const oddKey = fc.oneof(
  fc.constantFrom(
    ...['"__proto__"', '"constructor"', '"toString"', '""', '"\\u0000"', '"\\ud800"', '"id"'],
    ...['"status"', '"balance"', '"a/b~c"', `"${'k'.repeat(500)}"`],
  ),
  fc.string({ unit: 'binary', maxLength: 10 }).map((text) => bytes(JSON.stringify(text))),
)

const nested = (open: string, close: string) =>
  fc.constantFrom(2, 10, 500, 5_000).map((depth) => open.repeat(depth) + close.repeat(depth))

/** A value where another one is expected, and what is no JSON at all. Text of latin1. */
export const oddJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...['null', 'true', 'false', '0', '-1', '-0', '1.000', '1e1', '1E400', '-1e-400', '007', '+5'],
    ...['9999999999999999.99', '10000000000000000', '0.001', '0.1e2', `1${'0'.repeat(400)}`],
    ...[`0.${'0'.repeat(400)}1`, 'NaN', 'Infinity', '.5', '5.', '0x10', '1_000', '""', '" 1"'],
    ...['"1,000.00"', '"1e3"', bytes('"١٢"'), bytes('"１２"'), '"\\u0000"', '"a\\u0000b"'],
    ...['"\\ud800"', '"\\udc00\\ud800"', '"\xed\xa0\x80"', '"\xff\xfe"', '"\xc0\x80"', '"\0"'],
    ...['"\\x"', '"\\u12"', '"', "'a'", '[]', '{}', '[1]', '[[[]]]', '{"a":{}}', '[,]', '[1,]'],
    ...['{"a":1,"a":2}', '{"__proto__":{"a":1}}', '{"toString":1}', '{"length":-1}', '/**/', ''],
    ...['undefined', '\xef\xbb\xbf{}', '{}x', '{} {}', `"${'x'.repeat(3_000)}"`, '"\'; DROP--"'],
    ...['"<script>"', '"\\r\\nSet-Cookie: a"', '"../../etc"', '"%00"', '"{{7*7}}"', '"\\b\\f"'],
  ),
  nested('[', ']'),
  nested('{"a":', '}'),
  nested('[', ''),
  fc.json({ maxDepth: 3 }).map(bytes),
)
