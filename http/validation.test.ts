import assert from 'node:assert/strict'
import { parseJson } from '#contracts/exact-json.ts'
import { toPlaceOrder, validatePlaceOrder } from '#contracts/orders-http.ts'
import { documentOf, Problem } from './problem.ts'
import { validated } from './validation.ts'

/** The faults of a body, as pointers with their messages. */
function faultsOf(body: string): Record<string, string> {
  try {
    validated(validatePlaceOrder, parseJson(body))
    return {}
  } catch (error) {
    assert.ok(error instanceof Problem && error.status === 422)
    return Object.fromEntries((error.errors ?? []).map((fault) => [fault.pointer, fault.message]))
  }
}

describe('validated', () => {
  it('returns what fits, as it is', () => {
    const body = parseJson('{"user_id":"alice","amount":12.5}')
    assert.equal(validated(validatePlaceOrder, body), body)
    assert.deepEqual(body, parseJson('{"user_id":"alice","amount":12.5}'))
  })

  it('makes one amount of all its spellings', () => {
    for (const amount of ['10', '10.0', '10.00', '"10"', '"10.0"', '"10.00"']) {
      const body = parseJson(`{"user_id":"alice","amount":${amount}}`)
      assert.equal(toPlaceOrder(validated(validatePlaceOrder, body)).amount, '10.00')
    }
  })

  it('takes the largest amount to the cent, from a number too', () => {
    const body = parseJson('{"user_id":"alice","amount":9999999999999999.99}')
    assert.equal(toPlaceOrder(validated(validatePlaceOrder, body)).amount, '9999999999999999.99')
  })

  for (const amount of [
    ...['0', '-1', '1e1', '1.000', '0.001', '1e400', '10000000000000000', 'null', 'true', '[]'],
    ...['{}', '"NaN"', '"Infinity"', '""', '".5"', '"+5"', '" 5"', '"0.00"', '{"text":"5"}'],
  ]) {
    it(`refuses the amount ${amount}`, () => {
      const faults = faultsOf(`{"user_id":"alice","amount":${amount}}`)
      assert.match(faults['/amount'] ?? '', /^must be an amount from 0.01/)
    })
  }

  it('points at every fault at once', () => {
    const faults = faultsOf('{"user_id":"","amonut":"5","a/b~c":1}')
    const pointers = new Set(Object.keys(faults))
    assert.deepEqual(pointers, new Set(['/a~1b~0c', '/amonut', '/amount', '/user_id']))
    assert.equal(faults['/amount'], 'is missing')
    assert.equal(faults['/amonut'], 'is not a field of this request')
    assert.match(faults['/user_id'] ?? '', /^must be 1 to 128 characters/)
  })

  it('points at twenty faults and says how many more there are, however many', () => {
    const keys = Array.from({ length: 13_000 }, (_, index) => `"${index.toString(36)}":1`)
    const body = `{${keys.join()}}`
    assert.throws(
      () => validated(validatePlaceOrder, parseJson(body)),
      (problem) => {
        const { errors, more_errors } = documentOf(problem as Problem, 'r-1')
        assert.deepEqual([errors?.length, more_errors], [20, 13_000 + 2 - 20])
        return true
      },
    )
  })

  it('repeats the beginning of a name, however long', () => {
    const long = 'x'.repeat(60_000)
    const [pointer = ''] = Object.keys(faultsOf(`{"${long}":1,"user_id":"alice","amount":"1"}`))
    assert.equal(pointer, `/${'x'.repeat(199)}…`)
  })

  for (const body of ['null', '[]', '"text"', '5', 'true']) {
    it(`refuses ${body}, which is no object`, () => {
      assert.notDeepEqual(faultsOf(body), {})
    })
  }

  it('is not fooled by a key called __proto__', () => {
    const faults = faultsOf('{"__proto__":{"amount":"5"},"user_id":"alice"}')
    assert.equal(faults['/amount'], 'is missing')
    assert.equal(faults['/__proto__'], 'is not a field of this request')
  })
})
