import assert from 'node:assert/strict'
import { backoffMs, pauseBeforeRetry } from './retry.ts'

const pauseAfter = (status: number, retryAfter: string | null = null) =>
  pauseBeforeRetry(0, { status, retryAfter }, 0)

describe('pauseBeforeRetry', () => {
  for (const status of [200, 201, 400, 404, 409, 413, 415, 422]) {
    it(`takes ${status} for an answer`, () => assert.equal(pauseAfter(status), undefined))
  }

  for (const status of [429, 500, 502, 503, 504]) {
    it(`asks again after ${status}`, () => assert.equal(pauseAfter(status), 50))
  }

  it('asks again when no answer came', () => {
    assert.equal(pauseBeforeRetry(0, undefined, 1), 100)
  })

  it('asks again after a 409 that says when, which is the same call still running', () => {
    assert.equal(pauseAfter(409, '1'), 1_050)
  })

  it('waits as it is told to, and not for ever when that is nonsense', () => {
    assert.equal(pauseAfter(503, '2'), 2_050)
    assert.equal(pauseAfter(503, 'Fri, 31 Dec 1999 23:59:59 GMT'), 50)
  })
})

describe('backoffMs', () => {
  it('doubles up to five seconds, at least half of it sure', () => {
    assert.deepEqual(
      [0, 1, 2, 5, 6, 100].map((tries) => backoffMs(tries, 1)),
      [100, 200, 400, 3_200, 5_000, 5_000],
    )
    assert.equal(backoffMs(100, 0), 2_500)
  })
})
