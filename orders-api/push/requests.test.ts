import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import { compile } from '#contracts/compile.ts'
import { Subscribe, Unsubscribe } from '#contracts/orders-ws.ts'
import { Problem } from '#http/problem.ts'
import { parseMessage, parseRequest, requestedTarget, subscribeMessagesIn } from './requests.ts'

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
const parse = (text: string | undefined) => parseRequest(parseMessage(text))
const problemWith = (message: unknown) => problemOf(() => parse(JSON.stringify(message)))

/** What the AsyncAPI document says about a message. */
const fits = (message: unknown) => compile(Subscribe)(message) || compile(Unsubscribe)(message)

describe('parseRequest', () => {
  for (const type of ['subscribe', 'unsubscribe']) {
    it(`reads a message to ${type}, as documented`, () => {
      assert.ok(fits({ type, order_id: orderId }) && fits({ type, user_id: 'alice' }))
      const order = parse(JSON.stringify({ type, order_id: orderId }))
      assert.deepEqual(order, { action: type, target: { kind: 'order', id: orderId } })
      const user = parse(JSON.stringify({ type, user_id: 'alice' }))
      assert.deepEqual(user, { action: type, target: { kind: 'user', id: 'alice' } })
    })
  }

  const twice = '{"type":"subscribe","type":"unsubscribe","user_id":"alice"}'
  for (const text of [undefined, '', 'hello', '{', '5', 'null', '[]', '"subscribe"', twice]) {
    it(`says 400 to ${JSON.stringify(text)}, which is no JSON object`, () => {
      assert.equal(problemOf(() => parse(text))?.status, 400)
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
      assert.equal(problemWith(message)?.status, 422)
      assert.ok(!fits(message))
    })
  }

  it('points at the id that is malformed, and says what a valid one looks like', () => {
    const [order] = problemWith({ type: 'subscribe', order_id: 'x' })?.errors ?? []
    assert.deepEqual(order, { pointer: '/order_id', message: 'must be a UUID in lower case' })
    const [user] = problemWith({ type: 'subscribe', user_id: ' ' })?.errors ?? []
    assert.equal(user?.pointer, '/user_id')
    assert.match(user?.message ?? '', /must be 1 to 128 characters of A–Z/)
    const [extra] = problemWith({ type: 'subscribe', user_id: 'alice', since: 5 })?.errors ?? []
    assert.deepEqual(extra, { pointer: '/since', message: 'is not a field of this request' })
  })

  it('answers anything at all with a request or a problem', () => {
    const anything = fc.oneof(fc.string(), fc.json())
    fc.assert(fc.property(anything, (text) => void problemOf(() => parse(text))))
  })
})

describe('requestedTarget', () => {
  it('is what a message names, as it came, valid or not', () => {
    assert.deepEqual(requestedTarget({ type: 'shout', order_id: 'x' }), { order_id: 'x' })
    assert.deepEqual(requestedTarget({ user_id: '' }), { user_id: '' })
    assert.deepEqual(requestedTarget({ order_id: orderId, user_id: 'a' }), {
      ...{ order_id: orderId, user_id: 'a' },
    })
    assert.deepEqual(requestedTarget(parseMessage('{"order_id":5,"user_id":null}')), {})
  })
})

describe('subscribeMessagesIn', () => {
  it('finds each id of the query by itself, so that one bad one harms no other', () => {
    const query = `order_id=${orderId}&order_id=x&user_id=alice&page=2`
    const messages = subscribeMessagesIn(new URL(`ws://any/orders/ws?${query}`))
    assert.equal(messages.length, 3)
    const [good, bad, user] = messages.map((message) => () => parseRequest(message))
    assert.deepEqual(good?.(), { action: 'subscribe', target: { kind: 'order', id: orderId } })
    assert.throws(() => bad?.(), Problem)
    assert.deepEqual(user?.(), { action: 'subscribe', target: { kind: 'user', id: 'alice' } })
  })

  it('finds nothing in no query', () => {
    assert.deepEqual(subscribeMessagesIn(new URL('ws://any/orders/ws')), [])
  })
})
