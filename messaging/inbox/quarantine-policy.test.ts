import assert from 'node:assert/strict'
import {
  type Attempts,
  firstRedelivery,
  hasCrashed,
  isCrashLoop,
  maxWaitMs,
  nextOf,
  quietPeriodMs,
} from './quarantine-policy.ts'

const begin = ({ started, finished }: Attempts): Attempts => ({ started: started + 1, finished })

describe('suspicion', () => {
  it('falls on an event at its third death: one among others, two alone', () => {
    const afterSecondDeath = begin(firstRedelivery)
    const afterThirdDeath = begin(afterSecondDeath)
    assert.deepEqual([firstRedelivery, afterSecondDeath, afterThirdDeath].map(isCrashLoop), [
      false,
      false,
      true,
    ])
  })

  it('never falls on an event that fails but lets its consumer live', () => {
    assert.ok(!isCrashLoop({ started: 100, finished: 99 }))
    assert.ok(!hasCrashed({ started: 100, finished: 99 }))
  })

  it('calls an event dangerous once it was alone with a consumer that died', () => {
    assert.ok(!hasCrashed(firstRedelivery))
    assert.ok(hasCrashed(begin(firstRedelivery)))
  })

  describe('gives the turn', () => {
    const of = (id: string, attempts: Attempts, sinceMs = 0) => ({ id, attempts, sinceMs })
    const killer = of('killer', { started: 3, finished: 0 })
    const dangerous = of('dangerous', { started: 2, finished: 0 })
    const failing = of('failing', { started: 5, finished: 5 })
    const innocent = of('innocent', firstRedelivery)

    const never = Number.NEGATIVE_INFINITY

    it('to a killer at once, which is only parked, then to the innocent as they came', () => {
      const suspects = [dangerous, failing, innocent, killer]
      assert.equal(nextOf(suspects, 0, 0), killer)
      assert.equal(nextOf(suspects.slice(0, 3), quietPeriodMs, quietPeriodMs), failing)
      assert.equal(nextOf([dangerous, innocent, failing], quietPeriodMs, never), innocent)
    })

    it('to the dangerous when what came back with them has had time to arrive, and is done', () => {
      assert.equal(nextOf([dangerous], quietPeriodMs - 1, never), undefined)
      assert.equal(nextOf([dangerous], quietPeriodMs, never), dangerous)
      assert.equal(nextOf([], quietPeriodMs, never), undefined)
    })

    it('to the dangerous when what went before has been told to those who wait for it', () => {
      assert.equal(nextOf([dangerous], 1_000, 1_001 - quietPeriodMs), undefined)
      assert.equal(nextOf([dangerous], 1_000, 1_000 - quietPeriodMs), dangerous)
    })

    it('to the dangerous when their patience has ended, though others keep coming', () => {
      const suspects = [innocent, of('later', dangerous.attempts, 1), dangerous]
      assert.equal(nextOf(suspects, maxWaitMs - 1, never), innocent)
      assert.equal(nextOf(suspects, maxWaitMs, maxWaitMs), dangerous)
    })
  })
})
