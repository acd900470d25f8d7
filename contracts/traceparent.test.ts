import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

describe('parseTraceparent', () => {
  it('reads a context, sampled or not, with a random id or not', () => {
    for (const flags of [0, 1, 2, 3]) {
      const context = { traceId, spanId, flags }
      assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-0${flags}`), context)
      assert.equal(formatTraceparent(context), `00-${traceId}-${spanId}-0${flags}`)
    }
  })

  it('drops flags that have no meaning yet', () => {
    assert.equal(parseTraceparent(`00-${traceId}-${spanId}-ff`)?.flags, 3)
  })

  it('reads of a later version what version 00 has', () => {
    for (const more of ['', '-', '-what-the-future-brings']) {
      const context = parseTraceparent(`cc-${traceId}-${spanId}-01${more}`)
      assert.deepEqual(context, { traceId, spanId, flags: 1 })
    }
  })

  for (const malformed of [
    '',
    'garbage',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01-`,
    `cc-${traceId}-${spanId}-01more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}-0x`,
    `00-${traceId}-${spanId}`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ]) {
    it(`ignores ${JSON.stringify(malformed)}`, () => {
      assert.equal(parseTraceparent(malformed), undefined)
    })
  }

  it('ignores whatever else JSON can hold, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(parseTraceparent(value), undefined)
      }),
    )
  })
})
