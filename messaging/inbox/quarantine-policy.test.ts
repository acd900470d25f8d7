import assert from 'node:assert/strict'
import {
  type Attempts,
  hasCrashed,
  isCrashLoop,
  maxWaitMs,
  nextOf,
  quietPeriodMs,
  untried,
} from './quarantine-policy.ts'

const begin = ({ started, finished }: Attempts): Attempts => ({ started: started + 1, finished })

describe('quarantine policy', () => {
  const once = begin(untried)
  const twice = begin(once)
  const thrice = begin(twice)

  it('finds a crash loop after three starts without an end: one among other events, two alone', () => {
    const all = [untried, once, twice, thrice]
    assert.deepEqual(all.map(isCrashLoop), [false, false, false, true])
  })

  it('finds no crash loop in an event that fails without crashing its consumer', () => {
    assert.ok(!isCrashLoop({ started: 100, finished: 99 }))
    assert.ok(!hasCrashed({ started: 100, finished: 99 }))
  })

  it('knows that an event has crashed once it was alone with a consumer that crashed', () => {
    assert.deepEqual([untried, once, twice].map(hasCrashed), [false, false, true])
  })

  describe('handles next', () => {
    const of = (id: string, attempts: Attempts, sinceMs = 0) => ({ id, attempts, sinceMs })
    const crashLoop = of('crashLoop', thrice)
    const crashed = of('crashed', twice)
    const failing = of('failing', { started: 5, finished: 5 })
    const suspect = of('suspect', once)
    const redelivered = of('redelivered', untried)
    const another = of('another', untried)

    const never = Number.NEGATIVE_INFINITY
    const next = (events: ReturnType<typeof of>[], nowMs: number, lastMs: number) =>
      nextOf(events, nowMs, lastMs).map(({ id }) => id)

    it('a crash loop at once, which is only dead-lettered, then the others as they came', () => {
      const events = [crashed, failing, suspect, crashLoop]
      assert.deepEqual(next(events, 0, 0), ['crashLoop'])
      assert.deepEqual(next(events.slice(0, 3), quietPeriodMs, quietPeriodMs), ['failing'])
      assert.deepEqual(next([crashed, suspect, failing], quietPeriodMs, never), ['suspect'])
    })

    it('together what came back for the first time, not too many, and nothing else', () => {
      const events = [suspect, crashed, redelivered, failing, another]
      assert.deepEqual(next(events, quietPeriodMs, never), ['redelivered', 'another'])
      assert.equal(next(Array(100).fill(redelivered), 0, never).length, 20)
    })

    it('an event that has crashed when other redeliveries have had time to arrive, and are done', () => {
      assert.deepEqual(next([crashed], quietPeriodMs - 1, never), [])
      assert.deepEqual(next([crashed], quietPeriodMs, never), ['crashed'])
      assert.deepEqual(next([], quietPeriodMs, never), [])
    })

    it('an event that has crashed after a quiet period, in which the last relay notification is sent', () => {
      assert.deepEqual(next([crashed], 1_000, 1_001 - quietPeriodMs), [])
      assert.deepEqual(next([crashed], 1_000, 1_000 - quietPeriodMs), ['crashed'])
    })

    it('an event that was tried when it has waited long enough, though others keep coming', () => {
      const events = [redelivered, of('later', once, 1), crashed]
      assert.deepEqual(next(events, maxWaitMs - 1, never), ['redelivered'])
      assert.deepEqual(next(events, maxWaitMs, maxWaitMs), ['crashed'])
      assert.deepEqual(next([redelivered, suspect], maxWaitMs, maxWaitMs), ['suspect'])
    })
  })
})
