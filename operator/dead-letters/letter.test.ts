import assert from 'node:assert/strict'
import { originalHeaders } from '#messaging/inbox/dead-letter-message.ts'
import { idOf, madeAtMs, summarize } from './letter.ts'

const letter = (content: string, properties: object = {}) =>
  ({ content: Buffer.from(content), properties }) as never
const now = new Date('2026-01-01T00:01:00.000Z')

describe('summarize', () => {
  it('reads what the broker has written, where the consumer has written nothing', () => {
    const time = { '!': 'timestamp', value: Date.parse('2026-01-01T00:00:00.000Z') / 1_000 }
    const headers = {
      'x-death': [{ reason: 'delivery_limit', count: 1, time }],
    }
    const { reason, age_ms } = summarize(letter('', { headers }), 'q.dlq', now)
    assert.deepEqual({ reason, age_ms }, { reason: 'broker-delivery-limit', age_ms: 60_000 })
  })

  it('takes no count for attempts but the one of the consumer', () => {
    const looks = { 'x-delivery-count': 9 } // the dead-letter queue counts there how often it was shown
    const attemptsIn = (headers: object) =>
      summarize(letter('', { headers }), 'q.dlq', now).attempts
    assert.equal(attemptsIn(looks), null)
    assert.equal(attemptsIn({ ...looks, attempts: 3 }), 3)
  })

  for (const [what, content, headers] of [
    ['no JSON', 'hello', {}],
    ['null', 'null', {}],
    ['a number', '1', { 'x-death': 'nonsense', attempts: 'many', 'dead-lettered-at': 7 }],
    ['a death without words', '', { 'x-death': [{ reason: 7, time: { value: 'soon' } }] }],
    ['a death of no time', '', { 'x-death': [{ reason: null, time: null }] }],
    ['data that is none', '{"data":1,"type":2,"subject":null}', { 'x-death': [null] }],
  ] as const) {
    it(`makes do with a letter that holds ${what}`, () => {
      const { type, order_id, reason, age_ms } = summarize(letter(content, { headers }), 'q', now)
      assert.deepEqual([type, order_id, reason, age_ms], [null, null, 'unknown', null])
    })
  }
})

describe('idOf and madeAtMs', () => {
  it('name a letter without an id after its content', () => {
    assert.match(idOf(letter('x')), /^nameless-[0-9a-f]{12}$/)
    assert.equal(idOf(letter('x')), idOf(letter('x', { messageId: '' })))
    assert.notEqual(idOf(letter('x')), idOf(letter('y')))
  })

  it('read the time in a UUIDv7, and in nothing else', () => {
    assert.equal(madeAtMs('018bcfe5-6800-7000-8000-000000000000'), 1_700_000_000_000)
    assert.equal(madeAtMs('018bcfe5-6800-4000-8000-000000000000'), undefined)
    assert.equal(madeAtMs('nameless'), undefined)
  })
})

describe('originalHeaders', () => {
  it('leaves out what death has added, and what would make more copies', () => {
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
