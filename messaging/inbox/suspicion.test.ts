import assert from 'node:assert/strict'
import {
  type Attempts,
  deliveredBefore,
  isDangerous,
  isKiller,
  nextOf,
  patienceMs,
  precedenceMs,
} from './suspicion.ts'

const begin = ({ started, finished }: Attempts): Attempts => ({ started: started + 1, finished })

describe('suspicion', () => {
  it('falls on an event at its third death: one among others, two alone', () => {
    const afterSecondDeath = begin(deliveredBefore)
    const afterThirdDeath = begin(afterSecondDeath)
    assert.deepEqual([deliveredBefore, afterSecondDeath, afterThirdDeath].map(isKiller), [
      false,
      false,
      true,
    ])
  })

  it('never falls on an event that fails but lets its consumer live', () => {
    assert.ok(!isKiller({ started: 100, finished: 99 }))
    assert.ok(!isDangerous({ started: 100, finished: 99 }))
  })

  it('calls an event dangerous once it was alone with a consumer that died', () => {
    assert.ok(!isDangerous(deliveredBefore))
    assert.ok(isDangerous(begin(deliveredBefore)))
  })

  describe('gives the turn', () => {
    const of = (id: string, attempts: Attempts, sinceMs = 0) => ({ id, attempts, sinceMs })
    const killer = of('killer', { started: 3, finished: 0 })
    const dangerous = of('dangerous', { started: 2, finished: 0 })
    const failing = of('failing', { started: 5, finished: 5 })
    const innocent = of('innocent', deliveredBefore)

    const never = Number.NEGATIVE_INFINITY

    it('to a killer at once, which is only parked, then to the innocent as they came', () => {
      const suspects = [dangerous, failing, innocent, killer]
      assert.equal(nextOf(suspects, 0, 0), killer)
      assert.equal(nextOf(suspects.slice(0, 3), precedenceMs, precedenceMs), failing)
      assert.equal(nextOf([dangerous, innocent, failing], precedenceMs, never), innocent)
    })

    it('to the dangerous when what came back with them has had time to arrive, and is done', () => {
      assert.equal(nextOf([dangerous], precedenceMs - 1, never), undefined)
      assert.equal(nextOf([dangerous], precedenceMs, never), dangerous)
      assert.equal(nextOf([], precedenceMs, never), undefined)
    })

    it('to the dangerous when what went before has been told to those who wait for it', () => {
      assert.equal(nextOf([dangerous], 1_000, 1_001 - precedenceMs), undefined)
      assert.equal(nextOf([dangerous], 1_000, 1_000 - precedenceMs), dangerous)
    })

    it('to the dangerous when their patience has ended, though others keep coming', () => {
      const suspects = [innocent, of('later', dangerous.attempts, 1), dangerous]
      assert.equal(nextOf(suspects, patienceMs - 1, never), innocent)
      assert.equal(nextOf(suspects, patienceMs, patienceMs), dangerous)
    })
  })
})
