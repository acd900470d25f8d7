import assert from 'node:assert/strict'
import { type CrashLoop, crashLoopFaults, latenessOf } from './crash-loop-faults.ts'

const crashLoop: CrashLoop = {
  wokenAtMs: 0,
  isOver: true,
  crashes: [10, 20, 900, 1_900],
  letter: { reason: 'consumer-crashed', attempts: 3, seenAtMs: 3_000 },
  lateMs: [100, 2_000],
}

describe('crashLoopFaults', () => {
  it('finds nothing when four crashes, the right dead letter and neighbours in time is what there was', () => {
    assert.deepEqual(crashLoopFaults(crashLoop), [])
  })

  const broken: [Partial<CrashLoop>, string][] = [
    [{ crashes: [10, 900, 1_900] }, 'it crashed 3 consumers, not 4'],
    [{ crashes: [10, 20, 900, 1_900, 3_500] }, 'it crashed 5 consumers, not 4'],
    [{ letter: undefined }, 'it is no dead letter'],
    [
      { letter: { reason: 'attempts-exhausted', attempts: 3, seenAtMs: 3_000 } },
      'its dead letter says attempts-exhausted',
    ],
    [
      { letter: { reason: 'consumer-crashed', attempts: 4, seenAtMs: 3_000 } },
      'its dead letter tells of 4 attempts',
    ],
    [{ isOver: false }, 'orders are pending a minute later'],
    [{ lateMs: [] }, 'it had no neighbours'],
    [{ lateMs: [100, 2_001, 100] }, 'a neighbour was 2001 ms late'],
  ]
  for (const [change, fault] of broken) {
    it(`says that ${fault}`, () => {
      assert.deepEqual(crashLoopFaults({ ...crashLoop, ...change }), [fault])
    })
  }
})

describe('latenessOf', () => {
  it('counts an order from when its consumer was there, and only if it was on its way meanwhile', () => {
    const lives = [
      { created: 100, updated: 900, asked: 1, userId: 'alice' }, // final before
      { created: 500, updated: 1_200, asked: 1, userId: 'alice' },
      { created: 1_500, updated: 1_600, asked: 1, userId: 'alice' },
      { created: 2_100, updated: 9_000, asked: 1, userId: 'alice' }, // placed after
    ]
    assert.deepEqual(latenessOf(lives, 1_000, 2_000), [200, 100])
  })
})
