import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  fullBatch,
  horizonFault,
  largerBatch,
  longestRetryMs,
  restMs,
  smallerBatch,
} from './policy.ts'

const dayMs = 86_400_000

describe('the policy of retention', () => {
  it('works for a twentieth of the time: rests for longer when the database is busy', () => {
    assert.deepEqual([0, 3, 400].map(restMs), [0, 57, 7_600])
  })

  it('halves a batch after each failure, never to nothing, and comes back to the full one', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (turns) => {
        let size = fullBatch
        for (const hasFailed of turns) {
          size = hasFailed ? smallerBatch(size) : largerBatch(size)
          assert.ok(size >= 1 && size <= fullBatch && Number.isInteger(size))
        }
        for (let n = 0; n < 10; n++) size = largerBatch(size)
        assert.equal(size, fullBatch)
      }),
    )
  })

  const delays = [
    { variable: 'OUTBOX_RETENTION_DAYS', ms: 7 * dayMs },
    { variable: 'CONSUMER_MAX_ATTEMPTS', ms: longestRetryMs(6) },
  ]
  const inbox = (ms: number) => ({ variable: 'INBOX_RETENTION_DAYS', ms })

  it('takes an inbox that remembers events as long as they may arrive, and no shorter one', () => {
    const neededMs = 7 * dayMs + longestRetryMs(6)
    assert.equal(horizonFault(inbox(neededMs), delays), undefined)
    assert.notEqual(horizonFault(inbox(neededMs - 1), delays), undefined)
  })

  it('says of an inbox that forgets too soon what would have to be waited for, and why', () => {
    assert.deepEqual(horizonFault(inbox(dayMs), delays)?.split('\n  '), [
      'Cannot start:',
      'INBOX_RETENTION_DAYS is too short: the inbox would forget events that may still arrive. It is 86,400 s, and must be at least 605,040 s:',
      '  OUTBOX_RETENTION_DAYS makes it 604,800 s',
      '  CONSUMER_MAX_ATTEMPTS makes it 240 s',
    ])
  })
})
