import assert from 'node:assert/strict'
import { Journal } from './journal.ts'

describe('the journal of a run', () => {
  it('writes what a cell does by itself with its time, and what it was done to', () => {
    const lines: object[] = []
    new Journal((line) => lines.push(line)).act('disk full', 'outbox of orders')
    assert.partialDeepStrictEqual(lines, [{ act: 'disk full', on: 'outbox of orders', hits: 1 }])
    assert.ok(lines.every((line) => 'at' in line && typeof line.at === 'number'))
  })

  it('keeps what was waited for with its limit, in time or not', async () => {
    const lines: object[] = []
    const journal = new Journal((line) => lines.push(line))
    const isInTime = await journal.within(5_000, 'orders final', async (ms) => ms > 5_000)
    assert.equal(isInTime, false)
    const measured = { what: 'orders final', limit: 5_000, unit: 'ms' } as const
    assert.partialDeepStrictEqual(journal.measures, [measured])
    assert.partialDeepStrictEqual(lines, [{ measured }])
  })
})
