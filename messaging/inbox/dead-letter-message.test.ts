import assert from 'node:assert/strict'
import type { Delivery } from '../broker/consumer.ts'
import { deadLetterMessage, originalHeaders } from './dead-letter-message.ts'

const death = { reason: 'bad', error: 'is bad', attempts: 1, at: new Date(0) }
const origin = {
  'original-queue': 'things',
  'original-exchange': 'events',
  'original-routing-key': 'thing',
}
const headersOfDeath = {
  'dead-letter-reason': 'bad',
  'last-error': 'is bad',
  attempts: 1,
  'dead-lettered-at': '1970-01-01T00:00:00.000Z',
}
const letterOf = (delivery: object, asItCame = true) => {
  const common = { exchange: 'events', routingKey: 'thing', headers: {}, properties: {} }
  return deadLetterMessage({ ...common, ...delivery } as Delivery, 'things', death, asItCame)
}

describe('deadLetterMessage', () => {
  it('asks for no copies, but says to whom its message was copied', () => {
    const letter = letterOf({ headers: { CC: ['things'], BCC: ['others'], mine: 1 } })
    const cc = { 'original-cc': ['things'] }
    assert.deepEqual(letter.headers, { ...headersOfDeath, ...origin, mine: 1, ...cc })
    assert.deepEqual(originalHeaders(letter.headers ?? {}), { mine: 1, ...origin, ...cc })
  })

  it('can do without what the message came with', () => {
    const properties = { type: 't', appId: 'a' }
    const letter = letterOf({ headers: { CC: ['things'], mine: 1 }, properties }, false)
    assert.deepEqual(letter.headers, { ...headersOfDeath, ...origin })
    assert.deepEqual(letter.properties, { deliveryMode: 2, type: 't' })
  })

  it('cuts properties that would not fit when sent on, and leaves others out', () => {
    const long = '\ufffd'.repeat(255)
    const names = ['type', 'contentType', 'contentEncoding', 'correlationId', 'replyTo', 'appId']
    const longs = Object.fromEntries(names.map((name) => [name, long]))
    const { id, properties } = letterOf({ messageId: long, properties: longs })
    const cut = Object.fromEntries(names.map((name) => [name, '\ufffd'.repeat(85)]))
    assert.deepEqual([id, properties], ['\ufffd'.repeat(85), { deliveryMode: 2, ...cut }])
    const bare = letterOf({})
    assert.match(bare.id, /^unnamed-/)
    assert.deepEqual(bare.properties, { deliveryMode: 2 })
  })

  it('takes the first origin from a message that was sent again, and from no other', () => {
    const first = { ...origin, 'original-exchange': 'first' }
    const again = letterOf({ exchange: '', routingKey: 'things', headers: first })
    assert.deepEqual(again.headers, { ...headersOfDeath, ...first })
    assert.deepEqual(letterOf({ headers: first }).headers, { ...headersOfDeath, ...origin })
  })
})

describe('originalHeaders', () => {
  it('says where a letter came from that the broker has made', () => {
    const deaths = [
      { queue: 'things', exchange: '', 'routing-keys': ['things'] },
      { queue: 'things', exchange: 'events', 'routing-keys': ['thing', 'copy'] },
    ]
    assert.deepEqual(originalHeaders({ 'x-death': deaths }), origin)
  })

  for (const deaths of [
    'soon',
    7,
    null,
    [],
    [null],
    [7],
    [{ queue: 1 }],
    [{ 'routing-keys': 1 }],
  ]) {
    it(`makes nothing of a death such as ${JSON.stringify(deaths)}`, () =>
      assert.deepEqual(originalHeaders({ 'x-death': deaths, mine: 1 }), { mine: 1 }))
  }
})
