import assert from 'node:assert/strict'
import { createIntent } from './intent.js'

describe('createIntent', () => {
  let now = 0
  const newIntent = () => createIntent(() => now)

  it('keeps the key until the wish has succeeded, however long that takes', () => {
    const intent = newIntent()
    const key = intent.keyFor('10')
    now += 3_600_000
    assert.equal(intent.keyFor('10'), key)
  })

  it('takes a click right after the success for a part of a double click', () => {
    const intent = newIntent()
    const key = intent.keyFor('10')
    intent.succeeded()
    now += 500
    assert.equal(intent.keyFor('10'), key)
  })

  it('takes the same content later for a new wish', () => {
    const intent = newIntent()
    const key = intent.keyFor('10')
    intent.succeeded()
    now += 1_001
    assert.notEqual(intent.keyFor('10'), key)
  })

  it('takes other content for a new wish at once', () => {
    const intent = newIntent()
    assert.notEqual(intent.keyFor('10'), intent.keyFor('11'))
  })
})
