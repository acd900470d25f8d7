import assert from 'node:assert/strict'
import { takeDeadLetters } from './quiesce.ts'

describe('takeDeadLetters', () => {
  /** A broker whose dead-letter queues have these letters, one answer after another. */
  const brokerWith = (...answers: string[][]) => ({
    manage: async () =>
      (answers.shift() ?? []).map((message_id) => ({ properties: { message_id } })),
  })
  const idsOf = (letters: { messageId: string }[]) => letters.map(({ messageId }) => messageId)

  it('takes what is there of both queues', async () => {
    const broker = brokerWith(['a', 'b'], [], ['c'])
    assert.deepEqual(idsOf(await takeDeadLetters({ broker }, [])), ['a', 'b', 'c'])
  })

  it('waits for one that must come, and is still in the hands of a consumer', async () => {
    const broker = brokerWith(['a'], [], [], [], ['late'])
    assert.deepEqual(idsOf(await takeDeadLetters({ broker }, ['late'])), ['a', 'late'])
  })
})
