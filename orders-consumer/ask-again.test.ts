import assert from 'node:assert/strict'
import { isOverdue, waitsFromMs } from './ask-again.ts'

const afterMs = 30_000
const published = { is_unpublished: false, published_ms_ago: 31_000 }

describe('asking again for an order that has waited', () => {
  it('happens when its request went out long ago, or nobody knows it any more', () => {
    assert.equal(isOverdue(published, afterMs), true)
    assert.equal(isOverdue({ ...published, published_ms_ago: null }, afterMs), true)
  })

  it('does not happen while its request is in the outbox, or left it a while ago', () => {
    assert.equal(isOverdue({ is_unpublished: true, published_ms_ago: null }, afterMs), false)
    assert.equal(isOverdue({ ...published, published_ms_ago: 4_000 }, afterMs), false)
  })

  it('waits twice as long after each asking, a quarter of an hour at most', () => {
    const waits = [1, 2, 3, 4, 5, 6, 50, 2_000].map(
      (timesAsked) => (waitsFromMs(timesAsked, afterMs) + afterMs) / 1_000,
    )
    assert.deepEqual(waits, [60, 120, 240, 480, 900, 900, 900, 900])
  })

  it('never waits shorter than the limit', () => {
    assert.equal(waitsFromMs(1, 3_600_000), 0)
  })
})
