import assert from 'node:assert/strict'
import {
  type Attempts,
  deliveredBefore,
  isDangerous,
  isKiller,
  mostInnocentFirst,
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

  it('puts the innocent first, else as they came', () => {
    const of = (id: string, started: number, finished = 0) => ({
      id,
      attempts: { started, finished },
    })
    const suspects = [of('killer', 2), of('a', 1), of('failing', 5, 5), of('b', 1)]
    assert.deepEqual(
      mostInnocentFirst(suspects).map(({ id }) => id),
      ['failing', 'a', 'b', 'killer'],
    )
  })
})
