import assert from 'node:assert/strict'
import { extraTimeoutMs, shouldRetry } from './retry-policy.ts'

const timeoutMs = 30_000
const published = { is_unpublished: false, published_ms_ago: 31_000 }

describe('the retry of an overdue payment request', () => {
  it('happens when the request was published long ago, or nobody knows it any more', () => {
    assert.equal(shouldRetry(published, timeoutMs), true)
    assert.equal(shouldRetry({ ...published, published_ms_ago: null }, timeoutMs), true)
  })

  it('does not happen while the request is in the outbox, or left it a while ago', () => {
    assert.equal(shouldRetry({ is_unpublished: true, published_ms_ago: null }, timeoutMs), false)
    assert.equal(shouldRetry({ ...published, published_ms_ago: 4_000 }, timeoutMs), false)
  })

  it('has twice the timeout each time, a quarter of an hour at most', () => {
    const timeouts = [1, 2, 3, 4, 5, 6, 50, 2_000].map(
      (attempts) => (extraTimeoutMs(attempts, timeoutMs) + timeoutMs) / 1_000,
    )
    assert.deepEqual(timeouts, [60, 120, 240, 480, 900, 900, 900, 900])
  })

  it('never has less than the timeout', () => {
    assert.equal(extraTimeoutMs(1, 3_600_000), 0)
  })
})
