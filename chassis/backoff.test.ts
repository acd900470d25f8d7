import assert from 'node:assert/strict'
import fc from 'fast-check'
import { backoffMs } from './backoff.ts'

describe('backoffMs', () => {
  it('lies between half of the cap and the cap, which doubles up to its maximum', () => {
    const attempt = fc.integer({ min: 0, max: 2_000 })
    const baseMs = fc.integer({ min: 1, max: 10_000 })
    const maxMs = fc.integer({ min: 1, max: 600_000 })
    fc.assert(
      fc.property(attempt, baseMs, maxMs, (attempt, baseMs, maxMs) => {
        const capMs = Math.min(maxMs, baseMs * 2 ** attempt)
        const ms = backoffMs(attempt, { baseMs, maxMs })
        assert.ok(Number.isInteger(ms))
        assert.ok(ms >= Math.floor(capMs / 2) && ms <= capMs, `${ms} for a cap of ${capMs}`)
      }),
    )
  })

  it('differs from one time to the next, so that many do not come back together', () => {
    const waits = new Set(Array.from({ length: 50 }, () => backoffMs(5)))
    assert.ok(waits.size > 25)
  })
})
