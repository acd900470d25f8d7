import assert from 'node:assert/strict'
import { parseJson } from './exact-json.ts'
import { toPlaceOrder, validatePlaceOrder } from './orders-http.ts'
import { toTopUp, validateTopUp } from './payments-http.ts'

/**
 * Idempotency-Keys are stored with a hash of this text: a request of yesterday must have the same
 * today.
 */
describe('the canonical form of a request', () => {
  for (const amount of ['10', '10.0', '"10.00"']) {
    it(`is the same text in every version, for an amount of ${amount}`, () => {
      const order = parseJson(`{"amount":${amount},"user_id":"alice"}`)
      assert.ok(validatePlaceOrder(order))
      assert.equal(JSON.stringify(toPlaceOrder(order)), '{"user_id":"alice","amount":"10.00"}')
      const topUp = parseJson(`{"amount":${amount}}`)
      assert.ok(validateTopUp(topUp))
      assert.equal(JSON.stringify(toTopUp(topUp)), '{"amount":"10.00"}')
    })
  }
})
