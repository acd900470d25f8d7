import assert from 'node:assert/strict'
import { askAgain, type UnansweredOrder } from './ask-again.ts'

const afterMs = 30_000
const unanswered: UnansweredOrder = {
  order_id: '01980000-0000-7000-8000-000000000001',
  user_id: 'anna',
  amount: '1.00',
  times_asked: 1,
  is_unpublished: false,
  published_ms_ago: 31_000,
}

describe('askAgain', () => {
  it('asks for an order whose request went out long ago', () => {
    assert.equal(askAgain(unanswered, afterMs).kind, 'ask')
  })

  it('asks for an order whose request nobody knows any more', () => {
    assert.equal(askAgain({ ...unanswered, published_ms_ago: null }, afterMs).kind, 'ask')
  })

  it('waits while the request is in the outbox, from now on', () => {
    const order = { ...unanswered, is_unpublished: true, published_ms_ago: null }
    assert.deepEqual(askAgain(order, afterMs), { kind: 'wait', waitsFromMs: 0 })
  })

  it('waits for a request that was late itself, from when it went out', () => {
    const order = { ...unanswered, published_ms_ago: 4_000 }
    assert.deepEqual(askAgain(order, afterMs), { kind: 'wait', waitsFromMs: -4_000 })
  })

  it('waits twice as long after each asking, a quarter of an hour at most', () => {
    const waits = [1, 2, 3, 4, 5, 6, 50, 2_000].map((times_asked) => {
      const { waitsFromMs } = askAgain({ ...unanswered, times_asked }, afterMs)
      return (waitsFromMs + afterMs) / 1_000
    })
    assert.deepEqual(waits, [60, 120, 240, 480, 900, 900, 900, 900])
  })

  it('never waits shorter than the limit', () => {
    const { waitsFromMs } = askAgain({ ...unanswered, published_ms_ago: null }, 3_600_000)
    assert.equal(waitsFromMs, 0)
  })
})
