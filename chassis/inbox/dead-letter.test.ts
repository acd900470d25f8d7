import assert from 'node:assert/strict'
import type { Delivery } from '../broker/consumer.ts'
import { deadLetterOf, headersInLife } from './dead-letter.ts'

const death = { reason: 'bad', error: 'is bad', attempts: 1, at: new Date(0) }
const headersOfDeath = {
  'dead-letter-reason': 'bad',
  'last-error': 'is bad',
  attempts: 1,
  'dead-lettered-at': '1970-01-01T00:00:00.000Z',
  'original-queue': 'things',
  'original-exchange': 'events',
  'original-routing-key': 'thing',
}
const letterOf = (delivery: Partial<Delivery>, keepHeaders = true) => {
  const common = { exchange: 'events', routingKey: 'thing', headers: {} }
  return deadLetterOf({ ...common, ...delivery } as Delivery, 'things', death, keepHeaders)
}

describe('deadLetterOf', () => {
  it('asks for no copies, but says to whom its message was copied', () => {
    const letter = letterOf({ headers: { CC: ['things'], BCC: ['others'], mine: 1 } })
    assert.deepEqual(letter.headers, { ...headersOfDeath, mine: 1, 'original-cc': ['things'] })
    assert.deepEqual(headersInLife(letter.headers ?? {}), { mine: 1 })
  })

  it('can do without the headers that the message came with', () => {
    const letter = letterOf({ headers: { CC: ['things'], mine: 1 } }, false)
    assert.deepEqual(letter.headers, headersOfDeath)
  })

  it('cuts properties that would not fit when sent on, and leaves others out', () => {
    const long = '\ufffd'.repeat(255)
    const { id, type, contentType } = letterOf({ messageId: long, type: long, contentType: long })
    for (const property of [id, type, contentType]) assert.equal(property, '\ufffd'.repeat(85))
    const bare = letterOf({})
    assert.match(bare.id, /^unnamed-/)
    assert.deepEqual([bare.type, bare.contentType], [undefined, undefined])
  })
})
