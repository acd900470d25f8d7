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

describe('quarantine policy', () => {
  it('finds a crash loop at the third crash: one among other events, two alone', () => {
    const afterSecondCrash = begin(firstRedelivery)
    const afterThirdCrash = begin(afterSecondCrash)
    assert.deepEqual([firstRedelivery, afterSecondCrash, afterThirdCrash].map(isCrashLoop), [
      false,
      false,
      true,
    ])
  })

  it('finds no crash loop in an event that fails without crashing its consumer', () => {
    assert.ok(!isCrashLoop({ started: 100, finished: 99 }))
    assert.ok(!hasCrashed({ started: 100, finished: 99 }))
  })

  it('knows that an event has crashed once it was alone with a consumer that crashed', () => {
    assert.ok(!hasCrashed(firstRedelivery))
    assert.ok(hasCrashed(begin(firstRedelivery)))
  })

  describe('handles next', () => {
    const of = (id: string, attempts: Attempts, sinceMs = 0) => ({ id, attempts, sinceMs })
    const crashLoop = of('crashLoop', { started: 3, finished: 0 })
    const crashed = of('crashed', { started: 2, finished: 0 })
    const failing = of('failing', { started: 5, finished: 5 })
    const redelivered = of('redelivered', firstRedelivery)

    const never = Number.NEGATIVE_INFINITY

    it('a crash loop at once, which is only dead-lettered, then the others as they came', () => {
      const events = [crashed, failing, redelivered, crashLoop]
      assert.equal(nextOf(events, 0, 0), crashLoop)
      assert.equal(nextOf(events.slice(0, 3), quietPeriodMs, quietPeriodMs), failing)
      assert.equal(nextOf([crashed, redelivered, failing], quietPeriodMs, never), redelivered)
    })

    it('an event that has crashed when other redeliveries have had time to arrive, and are done', () => {
      assert.equal(nextOf([crashed], quietPeriodMs - 1, never), undefined)
      assert.equal(nextOf([crashed], quietPeriodMs, never), crashed)
      assert.equal(nextOf([], quietPeriodMs, never), undefined)
    })

    it('an event that has crashed after a quiet period, in which the last relay notification is sent', () => {
      assert.equal(nextOf([crashed], 1_000, 1_001 - quietPeriodMs), undefined)
      assert.equal(nextOf([crashed], 1_000, 1_000 - quietPeriodMs), crashed)
    })

    it('an event that has crashed when it has waited long enough, though others keep coming', () => {
      const events = [redelivered, of('later', crashed.attempts, 1), crashed]
      assert.equal(nextOf(events, maxWaitMs - 1, never), redelivered)
      assert.equal(nextOf(events, maxWaitMs, maxWaitMs), crashed)
    })
  })
})
