import assert from 'node:assert/strict'
import { isBacklog, isCrowded, overdueMs } from './pressure.ts'

describe('pressure', () => {
  const limits = { oldestMs: 60_000, tolerated: 100 }

  it('is a backlog when more are overdue than may be stuck', () => {
    assert.equal(isBacklog(limits, 100), false)
    assert.equal(isBacklog(limits, 101), true)
  })

  it('ends when it is half as bad as it was when it began', () => {
    assert.equal(overdueMs(limits, false), 60_000)
    assert.equal(overdueMs(limits, true), 30_000)
    const pool = { used: 20, idle: 0, max: 20 }
    assert.equal(isCrowded({ ...pool, waiting: 199 }, false), false)
    assert.equal(isCrowded({ ...pool, waiting: 200 }, false), true)
    assert.equal(isCrowded({ ...pool, waiting: 40 }, true), true)
    assert.equal(isCrowded({ ...pool, waiting: 39 }, true), false)
  })
})
