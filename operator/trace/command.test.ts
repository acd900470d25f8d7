import assert from 'node:assert/strict'
import type { DeadLetterSummary } from '../dead-letters/summary.ts'
import { traceText } from './command.ts'

describe('the text of a trace', () => {
  const order_id = '01a204a8-a487-7674-9c13-22c4dabdca86'
  const nothing = { steps: [], expired: [], missing: [] }
  const trace = { order_id, status: 'PAID', request_attempts: 1, ...nothing }
  const letter: DeadLetterSummary = {
    id: 'a',
    queue: 'payments-consumer.dlq',
    type: null,
    reason: 'contradiction',
    last_error: null,
    attempts: null,
    age_ms: null,
    order_id,
    bytes: 1,
  }
  const lastLineOf = (letters: DeadLetterSummary[] | null) =>
    traceText({ ...trace, dead_letters: letters })
      .split('\n')
      .at(-1)

  it('names a dead letter', () => {
    const said = 'Dead letter a in payments-consumer.dlq: contradiction (no error recorded)'
    assert.equal(lastLineOf([letter]), said)
  })

  it('has nothing from a message that a terminal obeys, nor a line of its making', () => {
    const evil = { ...letter, id: 'a\u001b[2J\r', reason: 'b\u009bc', last_error: 'd\ne\tf' }
    const said = 'Dead letter a\uFFFD[2J\uFFFD in payments-consumer.dlq: b\uFFFDc (d e f)'
    assert.equal(lastLineOf([evil]), said)
  })

  it('says what is not found, and what has expired', () => {
    const gone = { missing: ['the request a'], expired: ['the request b'] }
    const text = traceText({ ...trace, ...gone, dead_letters: [] })
    assert.match(text, /\nExpired: the request b\nNot found: the request a$/)
  })

  it('says that the dead letters are not known, if they are not', () => {
    assert.equal(lastLineOf(null), 'Dead letters: unknown')
    assert.match(lastLineOf([]) ?? '', /^STAGE/)
  })
})
