import assert from 'node:assert/strict'
import type { OutgoingMessage } from './outgoing-message.ts'
import { pack, sharedContentType } from './shared-message.ts'

const route = { exchange: 'events', routingKey: 'happened' }
const messages = (count: number, some: Partial<OutgoingMessage> = {}): OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) => {
    const id = `${some.routingKey ?? ''}${index}`
    const content = Buffer.from(JSON.stringify({ id }))
    return { id, type: 'Happened', ...route, content, mayShare: true, ...some }
  })
const sizes = (all: OutgoingMessage[], eventsPerMessage = 10) =>
  pack(all, eventsPerMessage).map(({ ids }) => ids.length)
const ones = (count: number) => Array.from({ length: count }, () => 1)

describe('events that share a message', () => {
  it('are as many as may, and what remains of them', () => {
    assert.deepEqual(sizes(messages(25)), [10, 10, 5])
    assert.deepEqual(sizes(messages(11)), [10, 1])
  })

  it('are none while few are due, or when sharing is off', () => {
    assert.deepEqual(sizes(messages(9)), ones(9))
    assert.deepEqual(sizes(messages(25), 1), ones(25))
  })

  it('have one route', () => {
    const other = messages(12, { routingKey: 'other' })
    assert.deepEqual(sizes([...messages(9), ...other]), [...ones(9), 10, 2])
  })

  it('do not include one that failed before', () => {
    assert.deepEqual(sizes([...messages(3, { mayShare: false }), ...messages(10)]), [1, 1, 1, 10])
  })

  it('have 64 KiB together at most, and a larger one goes alone', () => {
    const large = messages(4, { content: Buffer.alloc(30_000, 32) })
    assert.deepEqual(sizes(large, 4), [2, 2])
    const huge = messages(3, { content: Buffer.alloc(70_000, 32) })
    assert.deepEqual(sizes(huge, 3), [1, 1, 1])
  })

  it('are lines of a message with an id of its own and without a type', () => {
    const [{ ids, message } = { ids: [], message: undefined }] = pack(messages(2), 2)
    assert.deepEqual(ids, ['0', '1'])
    assert.equal(message?.content.toString(), '{"id":"0"}\n{"id":"1"}\n')
    assert.equal(message.contentType, sharedContentType)
    assert.equal(message.type, undefined)
    assert.match(message.id, /^[0-9a-f-]{36}$/)
    assert.equal(message.routingKey, 'happened')
  })

  it('keep their bytes when they go alone', () => {
    const [alone] = messages(1)
    assert.deepEqual(pack(messages(1), 10), [{ ids: ['0'], message: alone }])
  })
})
