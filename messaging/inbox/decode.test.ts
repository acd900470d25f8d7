import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compile } from '#contracts/compile.ts'
import { PaymentTimeline } from '#contracts/timeline.ts'
import { utcTime, withDeliveryTimes } from './decode.ts'

const decode = withDeliveryTimes((content: Uint8Array) =>
  content.length > 0
    ? { kind: 'event' as const, event: { id: '1' } }
    : { kind: 'invalid' as const, reason: 'empty', error: 'is empty' },
)

describe('withDeliveryTimes', () => {
  it('writes on an event when it was relayed and received', () => {
    const decoded = decode(Buffer.from('x'), { 'relayed-at': '2026-01-31T12:00:00.123Z' })
    assert.ok(decoded.kind === 'event')
    assert.equal(decoded.event.id, '1')
    assert.equal(decoded.event.deliveryTimes?.relayedAt, '2026-01-31T12:00:00.123Z')
    assert.ok(Date.now() - Date.parse(decoded.event.deliveryTimes.receivedAt) < 60_000)
  })

  it('leaves alone what is no event', () => {
    assert.deepEqual(decode(Buffer.alloc(0), {}), {
      kind: 'invalid',
      reason: 'empty',
      error: 'is empty',
    })
  })
})

describe('utcTime', () => {
  it('turns any RFC 3339 time into UTC with milliseconds', () => {
    assert.equal(utcTime('2026-01-31T14:00:00+02:00'), '2026-01-31T12:00:00.000Z')
  })

  it('takes the first three digits of a fraction, however many there are', () => {
    const digits = fc.stringMatching(/^\d{1,130}$/)
    fc.assert(
      fc.property(digits, (fraction) => {
        const milliseconds = fraction.slice(0, 3).padEnd(3, '0')
        const read = utcTime(`2026-01-31T12:00:00.${fraction}Z`)
        assert.equal(read, `2026-01-31T12:00:00.${milliseconds}Z`)
      }),
      { examples: [['0100000000']] },
    )
  })

  for (const value of ['yesterday', '', '0000-01-01T00:00:00Z', '2026-01-31', 5, null, {}]) {
    it(`does not take ${JSON.stringify(value)}`, () => assert.equal(utcTime(value), undefined))
  }

  for (const value of ['1000-01-01T00:00:00+01:00', '9999-12-31T23:59:59-12:00']) {
    it(`does not take ${value}, which in UTC has a year that nobody reads`, () =>
      assert.equal(utcTime(value), undefined))
  }

  it('takes the first and the last time that there is', () => {
    for (const time of ['1000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      assert.equal(utcTime(time), time)
    }
    assert.equal(utcTime('1000-01-01T01:00:00+01:00'), '1000-01-01T00:00:00.000Z')
  })

  it('never throws, and reads back what it gives', () => {
    fc.assert(fc.property(fc.anything(), (value) => void utcTime(value)))
    fc.assert(
      fc.property(time, (date) => assert.equal(utcTime(date.toISOString()), date.toISOString())),
    )
  })

  it('gives what the readers of a timeline take, wherever the time is from', () => {
    fc.assert(
      fc.property(time, hours, (date, offset) => {
        const created_at = utcTime(date.toISOString().replace('Z', offset))
        assert.ok(isTimeline({ ...(created_at && { created_at }) }), String(created_at))
        if (created_at) assert.equal(utcTime(created_at), created_at)
      }),
    )
  })
})

const isTimeline = compile(PaymentTimeline)

/** Any time that can be written, and often one near the ends. */
const [first, last] = [Date.parse('1000-01-01'), Date.parse('9999-12-31T23:59:59.999Z')]
const dayMs = 86_400_000
const time = fc
  .oneof(
    fc.integer({ min: first, max: last }),
    fc.integer({ min: first, max: first + dayMs }),
    fc.integer({ min: last - dayMs, max: last }),
  )
  .map((ms) => new Date(ms))

const hours = fc
  .tuple(fc.constantFrom('-', '+'), fc.integer({ min: 0, max: 23 }))
  .map(([sign, hour]) => `${sign}${String(hour).padStart(2, '0')}:30`)
