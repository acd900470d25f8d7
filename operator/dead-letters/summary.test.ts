import assert from 'node:assert/strict'
import { originalHeaders } from '#messaging/inbox/dead-letter-message.ts'
import { createdAtMs, idOf, summarize } from './summary.ts'

const message = (content: string, properties: object = {}) =>
  ({ content: Buffer.from(content), properties }) as never
const now = new Date('2026-01-01T00:01:00.000Z')

describe('summarize', () => {
  it('reads the header of the broker when the consumer has written none', () => {
    const time = { '!': 'timestamp', value: Date.parse('2026-01-01T00:00:00.000Z') / 1_000 }
    const headers = {
      'x-death': [{ reason: 'delivery_limit', count: 1, time }],
    }
    const { reason, age_ms } = summarize(message('', { headers }), 'q.dlq', now)
    assert.deepEqual({ reason, age_ms }, { reason: 'broker-delivery-limit', age_ms: 60_000 })
  })

  it('takes only the count of the consumer for attempts', () => {
    const browsed = { 'x-delivery-count': 9 } // the dead-letter queue counts deliveries to the browser
    const attemptsIn = (headers: object) =>
      summarize(message('', { headers }), 'q.dlq', now).attempts
    assert.equal(attemptsIn(browsed), null)
    assert.equal(attemptsIn({ ...browsed, attempts: 3 }), 3)
  })

  for (const [what, content, headers] of [
    ['no JSON', 'hello', {}],
    ['null', 'null', {}],
    ['a number', '1', { 'x-death': 'nonsense', attempts: 'many', 'dead-lettered-at': 7 }],
    ['x-death without a text', '', { 'x-death': [{ reason: 7, time: { value: 'soon' } }] }],
    ['x-death without a time', '', { 'x-death': [{ reason: null, time: null }] }],
    ['data that is no object', '{"data":1,"type":2,"subject":null}', { 'x-death': [null] }],
  ] as const) {
    it(`summarizes a message that holds ${what}`, () => {
      const { type, order_id, reason, age_ms } = summarize(message(content, { headers }), 'q', now)
      assert.deepEqual([type, order_id, reason, age_ms], [null, null, 'unknown', null])
    })
  }
})

describe('idOf and createdAtMs', () => {
  it('name a message without an id after its content', () => {
    assert.match(idOf(message('x')), /^nameless-[0-9a-f]{12}$/)
    assert.equal(idOf(message('x')), idOf(message('x', { messageId: '' })))
    assert.notEqual(idOf(message('x')), idOf(message('y')))
  })

  it('read the time of a UUIDv7, and of nothing else', () => {
    assert.equal(createdAtMs('018bcfe5-6800-7000-8000-000000000000'), 1_700_000_000_000)
    assert.equal(createdAtMs('018bcfe5-6800-4000-8000-000000000000'), undefined)
    assert.equal(createdAtMs('nameless'), undefined)
  })
})

describe('originalHeaders', () => {
  it('leaves out the headers of the dead letter, and those that would make copies', () => {
    const headers = {
      'x-death': [],
      'x-first-death-queue': 'q',
      'last-error': 'e',
      CC: ['q'],
      mine: 1,
    }
    assert.deepEqual(originalHeaders(headers), { mine: 1 })
  })
})
