import assert from 'node:assert/strict'
import { Pace } from './pace.ts'

describe('Pace', () => {
  const limits = { perSecond: 10, burst: 3, waiting: 5 }
  const takeAll = (pace: Pace, count: number, nowMs: number) =>
    Array.from({ length: count }, () => pace.take(nowMs))

  it('lets a burst through, then one after the other as the pace is, and no more than may wait', () => {
    const dues = takeAll(new Pace(limits), 10, 1_000)
    assert.deepEqual(dues, [
      ...[1_000, 1_000, 1_000],
      ...[1_100, 1_200, 1_300, 1_400, 1_500],
      ...['too-fast', 'too-fast'],
    ])
  })

  it('allows as much again as it had time to rest, and no more than a burst', () => {
    const pace = new Pace(limits)
    takeAll(pace, 3, 0)
    assert.deepEqual(takeAll(pace, 3, 200), [200, 200, 300])
    assert.deepEqual(takeAll(pace, 4, 1_000_000), [1_000_000, 1_000_000, 1_000_000, 1_000_100])
  })

  it('never lets whoever keeps to the pace wait', () => {
    const pace = new Pace(limits)
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) assert.equal(pace.take(nowMs), nowMs)
  })

  it('counts nothing of what it refuses', () => {
    const pace = new Pace(limits)
    takeAll(pace, 1_000, 0)
    assert.equal(pace.take(100), 600)
  })
})
