import assert from 'node:assert/strict'
import fc from 'fast-check'
import { utcTime, withReceipt } from './receipt.ts'

const decode = withReceipt((content: Uint8Array) =>
  content.length > 0
    ? { kind: 'event' as const, event: { id: '1' } }
    : { kind: 'invalid' as const, reason: 'empty', error: 'is empty' },
)

describe('withReceipt', () => {
  it('writes on an event when it was relayed and received', () => {
    const decoded = decode(Buffer.from('x'), { 'relayed-at': '2026-01-31T12:00:00.123Z' })
    assert.ok(decoded.kind === 'event')
    assert.equal(decoded.event.id, '1')
    assert.equal(decoded.event.receipt?.relayedAt, '2026-01-31T12:00:00.123Z')
    assert.ok(Date.now() - Date.parse(decoded.event.receipt.receivedAt) < 60_000)
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

  for (const value of ['yesterday', '', '0000-01-01T00:00:00Z', '2026-01-31', 5, null, {}]) {
    it(`does not take ${JSON.stringify(value)}`, () => assert.equal(utcTime(value), undefined))
  }

  it('never throws, and reads back what it gives', () => {
    fc.assert(fc.property(fc.anything(), (value) => void utcTime(value)))
    const date = fc.date({
      min: new Date('1000-01-01'),
      noInvalidDate: true,
      max: new Date('9999-12-30'),
    })
    fc.assert(
      fc.property(date, (date) => assert.equal(utcTime(date.toISOString()), date.toISOString())),
    )
  })
})
