import assert from 'node:assert/strict'
import { lifetimeOf } from './lifetime.ts'

describe('lifetimeOf', () => {
  it('renews a token a minute before its end', () => {
    assert.deepEqual(lifetimeOf(300, 1_000), { renewAt: 241_000, endsAt: 301_000 })
  })

  it('renews a short one at half of its time', () => {
    assert.deepEqual(lifetimeOf(10, 0), { renewAt: 5_000, endsAt: 10_000 })
    assert.deepEqual(lifetimeOf(0, 0), { renewAt: 0, endsAt: 0 })
  })

  it('renews one of unknown length only when it is refused', () => {
    const never = Number.POSITIVE_INFINITY
    assert.deepEqual(lifetimeOf(undefined, 0), { renewAt: never, endsAt: never })
  })
})
