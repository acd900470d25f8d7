import assert from 'node:assert/strict'
import fc from 'fast-check'
import { histogramOf, quantile } from './histogram.ts'

describe('quantile', () => {
  it('says within which time a part of all was done', () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1)
    assert.deepEqual(
      [0.5, 0.95, 1].map((part) => quantile(sorted, part)),
      [50, 95, 100],
    )
    assert.equal(quantile([7], 0.5), 7)
    assert.equal(quantile([], 0.5), undefined)
  })
})

describe('histogramOf', () => {
  it('puts everything into columns of a round width, and not too many', () => {
    const times = fc.array(fc.nat({ max: 100_000 }), { minLength: 1 })
    fc.assert(
      fc.property(times, (times) => {
        const { widthMs, counts } = histogramOf(
          times.toSorted((a, b) => a - b),
          24,
        )
        assert.ok(counts.length <= 24)
        assert.match(String(widthMs), /^[125]0*$/)
        assert.equal(
          counts.reduce((sum: number, count: number) => sum + count, 0),
          times.length,
        )
        assert.ok((counts.at(-1) ?? 0) > 0)
      }),
    )
  })
})
