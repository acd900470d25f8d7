import assert from 'node:assert/strict'
import { nextRestart, noDeaths } from './restart-policy.ts'

const delaysMs = (ranMs: number[]) => {
  let streak = noDeaths
  return ranMs.map((ms) => {
    streak = nextRestart(streak, ms)
    return streak.delayMs
  })
}

describe('nextRestart', () => {
  it('restarts at once after the first death', () => {
    assert.deepEqual(delaysMs([50]), [0])
  })

  it('doubles the delay with each death in a row, up to five seconds', () => {
    assert.deepEqual(
      delaysMs([5, 5, 5, 5, 5, 5, 5, 5, 5]),
      [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000],
    )
  })

  it('starts a new streak after ten seconds of running', () => {
    assert.deepEqual(delaysMs([5, 5, 5, 10_000, 5]), [0, 100, 200, 0, 100])
  })
})
