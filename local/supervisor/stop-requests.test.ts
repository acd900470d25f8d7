import assert from 'node:assert/strict'
import { echoMs, meaningOf } from './stop-requests.ts'

describe('meaningOf', () => {
  it('stops at the first signal', () => {
    assert.equal(meaningOf(undefined), 'stop')
  })

  it('takes a repetition within a second for the echo that npm makes', () => {
    assert.equal(meaningOf(0), 'echo')
    assert.equal(meaningOf(echoMs - 1), 'echo')
  })

  it('kills at a later one', () => {
    assert.equal(meaningOf(echoMs), 'kill')
  })
})
