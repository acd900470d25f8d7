import assert from 'node:assert/strict'
import { ordersApi } from '#generator/orders.ts'
import { problemExample } from '#generator/problems.ts'
import { assertDocumented, assertDocumentedMessage } from './documented.ts'

const order = ordersApi.operations.find(({ id }) => id === 'getOrder')?.answer.examples.paid
const answer = {
  method: 'GET',
  path: '/orders/01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f?x=1',
  status: 200,
  contentType: 'application/json; charset=utf-8',
  body: order as unknown,
}
const notFound = problemExample(404, { when: '', detail: 'There is no such order.' })

describe('assertDocumented', () => {
  it('takes what the document shows', () => {
    assert.ok(order)
    assertDocumented(answer)
    const problem = { contentType: 'application/problem+json', status: 404, body: notFound }
    assertDocumented({ ...answer, ...problem })
    assertDocumented({ ...answer, ...problem, path: '/nowhere' })
  })

  for (const [what, change] of Object.entries({
    'another status': { status: 202 },
    'another media type': { contentType: 'text/plain' },
    'a field that is missing': { body: { ...order, status: undefined } },
    'a field too many': { body: { ...order, secret: 1 } },
    'an amount of another form': { body: { ...order, amount: '12.5' } },
    'an error that is no problem': { status: 404, body: { error: 'no' } },
    'an error without a document, at an address of nobody': {
      path: '/nowhere',
      status: 404,
      body: {},
    },
  })) {
    it(`does not take ${what}`, () => {
      const text = JSON.stringify({ ...answer, ...change })
      assert.throws(() => assertDocumented(JSON.parse(text)), assert.AssertionError)
    })
  }
})

describe('assertDocumentedMessage', () => {
  it('takes what the document shows, and no field more', () => {
    assertDocumentedMessage('OrderMessage', { type: 'order', ...order })
    for (const message of [{ type: 'order', ...order, secret: 1 }, { type: 'order' }]) {
      assert.throws(() => assertDocumentedMessage('OrderMessage', message), assert.AssertionError)
    }
  })
})
