import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import { Problem } from '#chassis/http/problem.ts'
import { compile } from '#contracts/compile.ts'
import { Subscribe, Unsubscribe } from '#contracts/orders-ws.ts'
import { parseRequest, requestsIn } from './status-requests.ts'

const orderId = randomUUIDv7()
const problemOf = (read: () => unknown): Problem | undefined => {
  try {
    read()
    return undefined
  } catch (error) {
    assert.ok(error instanceof Problem)
    return error
  }
}
const statusOf = (message: unknown) =>
  problemOf(() => parseRequest(JSON.stringify(message)))?.status

/** What the AsyncAPI document says about a message. */
const fits = (message: unknown) => compile(Subscribe)(message) || compile(Unsubscribe)(message)

describe('parseRequest', () => {
  for (const type of ['subscribe', 'unsubscribe']) {
    it(`reads a message to ${type}, as documented`, () => {
      assert.ok(fits({ type, order_id: orderId }) && fits({ type, user_id: 'alice' }))
      const order = parseRequest(JSON.stringify({ type, order_id: orderId }))
      assert.deepEqual(order, { action: type, target: 'order', id: orderId })
      const user = parseRequest(JSON.stringify({ type, user_id: 'alice' }))
      assert.deepEqual(user, { action: type, target: 'user', id: 'alice' })
    })
  }

  const twice = '{"type":"subscribe","type":"unsubscribe","user_id":"alice"}'
  for (const text of [undefined, '', 'hello', '{', '5', 'null', '[]', '"subscribe"', twice]) {
    it(`says 400 to ${JSON.stringify(text)}, which is no JSON object`, () => {
      assert.equal(problemOf(() => parseRequest(text))?.status, 400)
    })
  }

  for (const message of [
    {},
    { type: 'subscribe' },
    { type: 'listen', order_id: orderId },
    { type: ['subscribe'], order_id: orderId },
    { type: 'subscribe', order_id: orderId, user_id: 'alice' },
    { type: 'subscribe', order_id: orderId, since: 'now' },
    { type: 'subscribe', order_id: 'x' },
    { type: 'subscribe', order_id: orderId.toUpperCase() },
    { type: 'subscribe', order_id: null },
    { type: 'subscribe', order_id: [orderId] },
    { type: 'subscribe', user_id: '' },
    { type: 'subscribe', user_id: '-' },
    { type: 'subscribe', user_id: 5 },
  ]) {
    it(`says 422 to ${JSON.stringify(message)}, as documented`, () => {
      assert.equal(statusOf(message), 422)
      assert.ok(!fits(message))
    })
  }

  it('points at the id that is malformed', () => {
    const message = JSON.stringify({ type: 'subscribe', user_id: ' ' })
    assert.equal(problemOf(() => parseRequest(message))?.errors?.[0]?.pointer, '/user_id')
  })

  it('answers anything at all with a request or a problem', () => {
    const anything = fc.oneof(fc.string(), fc.json())
    fc.assert(fc.property(anything, (text) => void problemOf(() => parseRequest(text))))
  })
})

describe('requestsIn', () => {
  it('reads each id of the query by itself, so that one bad one harms no other', () => {
    const query = `order_id=${orderId}&order_id=x&user_id=alice&page=2`
    const reads = requestsIn(new URL(`ws://any/orders/ws?${query}`))
    assert.equal(reads.length, 3)
    assert.deepEqual(reads[0]?.(), { action: 'subscribe', target: 'order', id: orderId })
    assert.throws(() => reads[1]?.(), Problem)
    assert.deepEqual(reads[2]?.(), { action: 'subscribe', target: 'user', id: 'alice' })
  })

  it('finds nothing in no query', () => {
    assert.deepEqual(requestsIn(new URL('ws://any/orders/ws')), [])
  })
})
