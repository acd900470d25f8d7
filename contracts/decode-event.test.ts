import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import { eventDecoder } from './decode-event.ts'
import { createEvent, type Fact } from './events.ts'
import { formatMoney, MAX_MINOR } from './money.ts'

const ids = { order_id: randomUUIDv7(), user_id: 'alice' }
const envelope = { id: randomUUIDv7(), time: new Date() }
const amount = '12.50'
const facts: Fact[] = [
  { type: 'PaymentRequested', data: { ...ids, amount } },
  { type: 'PaymentSucceeded', data: { ...ids, amount, tx_id: randomUUIDv7() } },
  { type: 'PaymentFailed', data: { ...ids, amount, reason: 'INSUFFICIENT_FUNDS' } },
]
const [requested, succeeded, failed] = facts.map((fact) => createEvent(fact, envelope))
assert.ok(requested && succeeded && failed)

const decode = eventDecoder('PaymentRequested', 'PaymentSucceeded', 'PaymentFailed')
const encode = (value: unknown) => Buffer.from(JSON.stringify(value))
/** The reason why a message is no event; `event` when it is one. */
function reasonOf(content: Uint8Array): string {
  const decoded = decode(content)
  if (decoded.kind === 'event') return 'event'
  assert.ok(decoded.error.length > 0)
  return decoded.reason
}
const withData = (data: object) => encode({ ...requested, data: { ...requested.data, ...data } })

describe('eventDecoder', () => {
  it('reads back every event that createEvent makes', () => {
    for (const event of [requested, succeeded, failed]) {
      const decoded = decode(encode(event))
      assert.deepEqual(decoded, { kind: 'event', event: JSON.parse(JSON.stringify(event)) })
    }
  })

  it('takes every amount there is', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, MAX_MINOR), (minor) => {
        assert.equal(reasonOf(withData({ amount: formatMoney(minor) })), 'event')
      }),
    )
  })

  it('takes an event whatever its traceparent is: a trace decides nothing', () => {
    for (const traceparent of ['00-1-1-00', '', 5, null, {}, ['00']]) {
      assert.equal(reasonOf(encode({ ...requested, traceparent })), 'event')
    }
  })

  it('ignores fields that it does not know, which a newer sender may add', () => {
    assert.equal(reasonOf(encode({ ...requested, sequence: '1' })), 'event')
    assert.equal(reasonOf(withData({ timeline: { accepted: 'now' } })), 'event')
  })

  for (const [what, given, twice] of [
    ['an amount', '"amount":"12.50"', '"amount":"12.50","amount":"99.00"'],
    ['the same amount', '"amount":"12.50"', '"amount" : "12.50", "amount":"12.50"'],
    ['an amount in other letters', '"amount":"12.50"', '"amount":"1.00","\\u0061mount":"12.50"'],
    ['its data', '"data":{', '"data":{},"data":{'],
    ['its id', '"id":', '"id":"x","id":'],
    ['what is ignored', '"data":{', '"more":[{"deep":{"a":1,"a":2}}],"data":{'],
  ] as const) {
    it(`sets aside an event that has ${what} twice`, () => {
      const text = encode(requested).toString()
      assert.equal(text.split(given).length, 2)
      assert.equal(reasonOf(Buffer.from(text.replace(given, twice))), 'doubled-key')
    })
  }

  for (const [what, content] of Object.entries({
    'the empty message': Buffer.alloc(0),
    'half a message': encode(requested).subarray(0, 40),
    'plain text': Buffer.from('hello'),
    'bytes that are not UTF-8': Buffer.from([0x22, 0xff, 0x22]),
    'compressed bytes': Buffer.from([0x1f, 0x8b, 0x08, 0x00]),
    'two messages in one': Buffer.concat([encode(requested), encode(requested)]),
    'NaN, which is no JSON': Buffer.from('{"amount":NaN}'),
  })) {
    it(`says that ${what} is not JSON`, () => assert.equal(reasonOf(content), 'not-json'))
  }

  for (const value of [
    null,
    [],
    'text',
    5,
    true,
    {},
    { type: null },
    { type: ['PaymentRequested'] },
  ]) {
    it(`does not know the type of ${JSON.stringify(value)}`, () => {
      assert.equal(reasonOf(encode(value)), 'unknown-type')
    })
  }

  it('does not know a type that belongs to another consumer', () => {
    const decoded = eventDecoder('PaymentSucceeded')(encode(requested))
    assert.equal(decoded.kind === 'invalid' && decoded.reason, 'unknown-type')
  })

  for (const type of ['OrderCancelled', 'paymentrequested', '__proto__', 'constructor', '']) {
    it(`does not know the type ${JSON.stringify(type)}`, () => {
      assert.equal(reasonOf(encode({ ...requested, type })), 'unknown-type')
    })
  }

  for (const dataschema of [
    String(requested.dataschema).replace('.v1.', '.v2.'),
    succeeded.dataschema,
    'http://elsewhere/',
    1,
    null,
    { toString: 1 },
  ]) {
    it(`does not know the version ${JSON.stringify(dataschema)}`, () => {
      assert.equal(reasonOf(encode({ ...requested, dataschema })), 'unknown-version')
    })
  }

  for (const amount of [
    ...[
      '0',
      '0.00',
      '-1',
      '-1.00',
      '1',
      '1.0',
      '1.000',
      '12.345',
      '1e30',
      '1e1',
      'NaN',
      'Infinity',
    ],
    ...['', ' 1.00', '1.00\n', '01.00', '+1.00', '1,00', '99999999999999999.00', '0x1.00', '１.00'],
    ...[0, -1, 1, 12.5, 12.345, 1e30, null, true, [], {}, ['1.00']],
  ]) {
    it(`refuses the amount ${JSON.stringify(amount)}`, () => {
      assert.equal(reasonOf(withData({ amount })), 'not-the-schema')
    })
  }

  for (const [field, values] of Object.entries({
    order_id: [undefined, null, '', 'x', 5, ids.order_id.toUpperCase(), `${ids.order_id}\n`],
    user_id: [undefined, null, '', ' ', '-a', 'a b', 'ü', 'a'.repeat(129), 5],
  })) {
    for (const value of values) {
      it(`refuses ${JSON.stringify(value)} for ${field}`, () => {
        assert.equal(reasonOf(withData({ [field]: value })), 'not-the-schema')
      })
    }
  }

  for (const change of [
    { id: undefined },
    { id: 'not a uuid' },
    { source: '/payments' },
    { specversion: '0.3' },
    { specversion: undefined },
    { data: undefined },
    { data: [] },
    { subject: 'x' },
    { time: 'yesterday' },
  ]) {
    it(`refuses an envelope with ${JSON.stringify(change)}`, () => {
      assert.equal(reasonOf(encode({ ...requested, ...change })), 'not-the-schema')
    })
  }

  it('takes a reply with a timeline, whole or in part, and one without', () => {
    const time = '2026-01-31T12:00:00.000Z'
    for (const timeline of [undefined, {}, { charged_at: time }, { relayed_at: time, more: 1 }]) {
      const reply: object = { ...succeeded, data: { ...succeeded.data, timeline } }
      assert.equal(reasonOf(encode(reply)), 'event')
    }
  })

  it('refuses a time in it that no database would take', () => {
    for (const charged_at of ['yesterday', '', 5, null, '0000-01-01T00:00:00.000Z']) {
      const reply: object = { ...succeeded, data: { ...succeeded.data, timeline: { charged_at } } }
      assert.equal(reasonOf(encode(reply)), 'not-the-schema')
    }
  })

  it('wants a reason for a failure, one of those it knows', () => {
    for (const reason of [undefined, '', 'BAD_LUCK', null]) {
      const bad: object = { ...failed, data: { ...failed.data, reason } }
      assert.equal(reasonOf(encode(bad)), 'not-the-schema')
    }
  })

  it('wants the transaction of a success', () => {
    const bad: object = { ...succeeded, data: { ...succeeded.data, tx_id: undefined } }
    assert.equal(reasonOf(encode(bad)), 'not-the-schema')
  })

  it('names everything that is wrong', () => {
    const decoded = decode(withData({ amount: '0.00', user_id: '' }))
    assert.ok(decoded.kind === 'invalid')
    assert.match(decoded.error, /\/data\/amount .*/)
    assert.match(decoded.error, /\/data\/user_id .*/)
  })

  it('never throws, whatever comes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    const deep = fc.constantFrom('[', '{"type":').map((open) => Buffer.from(open.repeat(20_000)))
    const nested = fc
      .constantFrom('type', 'dataschema', 'data')
      .map(
        (field) =>
          `{"type":"PaymentRequested","${field}":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      )
    const odd = fc.json().map((text) => Buffer.from(text))
    const any = fc.oneof(bytes, odd, deep, nested.map(Buffer.from as (text: string) => Buffer))
    fc.assert(fc.property(any, (content) => assert.equal(decode(content).kind, 'invalid')))
  })
})
