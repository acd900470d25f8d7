import assert from 'node:assert/strict'
import { echoMs, meaningOf } from './stop-requests.ts'

describe('meaningOf', () => {
  it('stops at the first signal', () => {
    assert.equal(meaningOf(undefined), 'stop')
  })

  it('ignores a repetition within a second as an echo of npm', () => {
    assert.equal(meaningOf(0), 'echo')
    assert.equal(meaningOf(echoMs - 1), 'echo')
  })

  it('kills at a later signal', () => {
    assert.equal(meaningOf(echoMs), 'kill')
  })
})
