import fc from 'fast-check'
import { ordersApi } from '#generator/orders.ts'
import { paymentsApi } from '#generator/payments.ts'
import { bytes, jsonFor, oddJson, type Schema, textFor } from './json.ts'
import { mutated, mutations } from './mutations.ts'
import { standIns } from './stand-ins.ts'

export type Door = 'gateway' | 'orders-api' | 'payments-api'

/** A request as bytes, a text of latin1, and where it goes. */
export interface HttpCase {
  to: Door
  request: string
  /** False where the client has no more to send, though its request may be unfinished. */
  isWhole: boolean
}

interface Call {
  door: Door
  method: string
  route: string
  path: Record<string, Schema>
  query: Record<string, Schema>
  body: Schema | undefined
}

/** Every call of both documents, what is at the gateway besides, and what is nowhere. */
const calls: Call[] = [
  ...[ordersApi, paymentsApi].flatMap((api) =>
    api.operations.map(({ method, route, path = {}, query, body }): Call => {
      const paths = Object.entries(path).map(([name, { schema }]) => [name, schema as Schema])
      return {
        door: api === ordersApi ? 'orders-api' : 'payments-api',
        ...{ method: method.toUpperCase(), route, path: Object.fromEntries(paths) },
        query: (query?.properties ?? {}) as Record<string, Schema>,
        body: body && (api.schemas[body.schema] as Schema),
      }
    }),
  ),
  ...['/', '/orders/ws', '/healthz', '/docs/', '/openapi/orders.json', '/livez', '/none'].map(
    (route): Call => ({
      ...{ door: 'orders-api', method: 'GET', route, path: {}, query: {}, body: undefined },
    }),
  ),
]

const usually = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd })

const oddText = fc.oneof(
  fc.constantFrom(
    ...['', '%00', '%zz', '..', '%2e%2e', '%2f', '%5c', '\\', '//', ';', '*', '%', "'--", '%20'],
    ...['a%00b', '%c0%af', '%ed%a0%80', '%ff', '\xff', '\x7f', '#', '?', '[]', '{}', '%25', '-1'],
    ...['x'.repeat(300), '%E0'.repeat(100), 'A11CE000-0000-4000-8000-000000000000'],
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).map(encodeURIComponentLoosely),
)

/** Lone surrogates as UTF-8 would have them, if it had. */
function encodeURIComponentLoosely(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

function targetOf({ route, path, query }: Call): fc.Arbitrary<string> {
  const inPath = Object.entries(path).map(([name, schema]) =>
    usually(textFor(schema, name), oddText).map((text) => [`{${name}}`, text] as const),
  )
  const inQuery = Object.entries(query).map(([name, schema]) =>
    fc.tuple(
      fc.constantFrom(name, name, name, name, name, name, name, name, `${name}[]`, ''),
      usually(textFor(schema, name), oddText, 6).map((text) => text.replaceAll(/[\s#&]/g, '+')),
      name === 'user_id' ? usually(fc.constant(1), fc.constantFrom(0, 2)) : fc.nat({ max: 1 }),
    ),
  )
  const more = usually(fc.constant(''), oddText, 30)
  return fc.tuple(fc.tuple(...inPath), fc.tuple(...inQuery), more).map(([names, fields, odd]) => {
    const filled = names.reduce((text, [name, value]) => text.replace(name, value), route)
    const pairs = fields.flatMap(([name, value, times]) => Array(times).fill(`${name}=${value}`))
    return `${filled}${odd}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`
  })
}

const bodyOf = ({ body }: Call): fc.Arbitrary<string> =>
  body
    ? usually(jsonFor(body), oddJson).chain((json) =>
        usually(fc.constant(json), fc.constantFrom('', json + json, json.padEnd(65_537)), 30),
      )
    : usually(fc.constant(''), oddJson)

const oddHeaders = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...['Content-Type: text/plain', 'Content-Type: application/json; charset=utf-16'],
      ...['Content-Type: application/json;charset="UTF-8"', 'Content-Type: ', 'Content-Type: x'],
      ...['Content-Type: APPLICATION/JSON ; charset=utf8', 'Content-Type: application/json, a/b'],
      ...['Content-Encoding: gzip', 'Content-Encoding: identity, br', 'Content-Encoding: '],
      ...['Idempotency-Key: ""', 'Idempotency-Key: "open', 'Idempotency-Key: a\x01', 'Accept: x/y'],
      ...['Idempotency-Key: \xe9', 'Idempotency-Key: 1', 'Idempotency-Key: "1"', 'Accept: '],
      ...[`Idempotency-Key: ${'k'.repeat(256)}`, 'Idempotency-Key:', 'Idempotency-Key: a, b'],
      ...['X-Request-Id: \xff', `X-Request-Id: ${'i'.repeat(129)}`, 'X-Request-Id: a b', 'X: \t'],
      ...['X-Request-Id: "},{"', 'Origin: null', 'Origin: http://evil.example', 'Range: bytes=0-'],
      ...['X-User-Id: bob', 'X-Forwarded-User: bob', 'X-Forwarded-For: a, b', 'Forwarded: for=_x'],
      ...['Host: evil.example', 'Host: ', 'Host: a b', 'Expect: 100-continue', 'Expect: x'],
      ...['Connection: Upgrade\r\nUpgrade: websocket', 'Connection: Upgrade\r\nUpgrade: h2c'],
      ...['Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99', 'TE: trailers'],
      ...['Connection: keep-alive, close', 'Transfer-Encoding: identity', 'Trailer: X-A'],
      ...['traceparent: 00-0-0-01', `traceparent: 00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
      ...['Cookie: a=b; __proto__=c', '__proto__: a', 'constructor: b', 'If-None-Match: *'],
      ...['If-Match: "x"', 'If-Modified-Since: x', 'X-Folded: a\r\n b', 'X-HTTP-Method: DELETE'],
      ...['Content-Length: 0', 'Content-Length: 1', 'Transfer-Encoding: chunked', 'No-Colon'],
      ...[`X-Long: ${'l'.repeat(9_000)}`, `${'X-Many: m\r\n'.repeat(200)}X-Many: m`],
    ),
    fc
      .tuple(fc.stringMatching(/^[A-Za-z-]{1,12}$/), fc.string({ maxLength: 20 }))
      .map(([name, value]) => `${name}: ${bytes(value)}`),
  ),
  { minLength: 1, maxLength: 3 },
)

const authorization = usually(
  fc.constant(`Bearer ${standIns.token}`),
  fc.constantFrom(
    ...['', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a.b.c', `bearer ${standIns.token}`],
    ...[
      `Bearer ${standIns.token}x`,
      `Bearer ${standIns.token}, x`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
    ],
    ...[`Bearer ${'a'.repeat(5_000)}`, 'Bearer \xff', `Bearer ${standIns.token} `],
  ),
  25,
)

/** How the end of the body is told, rightly or not. */
const framings: Record<string, (body: string) => string> = {
  length: (body) => `Content-Length: ${body.length}\r\n\r\n${body}`,
  chunks: (body) => `Transfer-Encoding: chunked\r\n\r\n${chunksOf(body)}`,
  nothing: (body) => `\r\n${body}`,
  'too short': (body) => `Content-Length: ${Math.max(0, body.length - 1)}\r\n\r\n${body}`,
  'too long': (body) => `Content-Length: ${body.length + 1}\r\n\r\n${body}`,
  both: (body) =>
    `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunksOf(body)}`,
  twice: (body) => `Content-Length: ${body.length}\r\nContent-Length: 1\r\n\r\n${body}`,
  'no end': (body) => `Transfer-Encoding: chunked\r\n\r\n${chunksOf(body).slice(0, -5)}`,
}
const chunksOf = (body: string) =>
  `${body && `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`

const oddMethod = fc.constantFrom(
  ...[
    'HEAD',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'CONNECT',
    'PROPFIND',
    'FOO',
    'get',
    '',
  ],
)
const oddVersion = fc.constantFrom(
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/9',
  'x',
  '',
)

const requestOf = (call: Call): fc.Arbitrary<HttpCase> =>
  fc
    .record({
      to: fc.constantFrom('gateway', call.door),
      method: usually(fc.constant(call.method), oddMethod, 15),
      target: targetOf(call),
      version: usually(fc.constant('HTTP/1.1'), oddVersion, 40),
      authorization,
      headers: usually(fc.constant<string[]>([]), oddHeaders, 2),
      body: bodyOf(call),
      framing: usually(
        fc.constantFrom('length', 'length', 'length', 'chunks'),
        fc.constantFrom(...Object.keys(framings)),
      ),
      mutations,
    })
    .map(({ to, method, target, version, authorization, headers, body, framing, mutations }) => {
      const lines = [
        ...[`${method} ${target} ${version}`, 'Host: localhost', `Authorization: ${authorization}`],
        ...(body ? ['Content-Type: application/json'] : []),
        ...headers,
      ]
      const unmutated = `${lines.join('\r\n')}\r\n${framings[framing]?.(body)}`
      const isWhole = mutations.length === 0 && !/^too|^no/.test(framing)
      return { to, request: mutated(unmutated, mutations), isWhole }
    })

/** Requests to every call: most of them nearly right, so that they come far. */
export const httpRequests: fc.Arbitrary<HttpCase> = fc.oneof(...calls.map(requestOf))
