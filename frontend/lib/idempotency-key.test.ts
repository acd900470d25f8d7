import assert from 'node:assert/strict'
import { SubmissionKey } from './idempotency-key.ts'

describe('SubmissionKey', () => {
  let now = 0
  const newSubmissionKey = () => new SubmissionKey(() => now)

  it('keeps the key until the submission has succeeded, however long that takes', () => {
    const submission = newSubmissionKey()
    const key = submission.keyFor('10')
    now += 3_600_000
    assert.equal(submission.keyFor('10'), key)
  })

  it('takes a click right after the success for a part of a double click', () => {
    const submission = newSubmissionKey()
    const key = submission.keyFor('10')
    submission.succeeded()
    now += 500
    assert.equal(submission.keyFor('10'), key)
  })

  it('takes the same content later for a new submission', () => {
    const submission = newSubmissionKey()
    const key = submission.keyFor('10')
    submission.succeeded()
    now += 1_001
    assert.notEqual(submission.keyFor('10'), key)
  })

  it('takes other content for a new submission at once', () => {
    const submission = newSubmissionKey()
    assert.notEqual(submission.keyFor('10'), submission.keyFor('11'))
  })
})
