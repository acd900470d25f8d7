import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseJson } from '#contracts/exact-json.ts'
import { PlaceOrder, validatePlaceOrder } from '#contracts/orders-http.ts'
import { eventIn } from '../event-documents.ts'
import { opcodes, rightFrame, socketCases } from './frames.ts'
import { httpRequests } from './http-requests.ts'
import { jsonFor, type Schema } from './json.ts'
import { messageCases, partsOf } from './messages.ts'

const sample = <T>(of: fc.Arbitrary<T>) => fc.sample(of, { seed: 1, numRuns: 400 })

/** Many of them, and not all. */
function assertSome(count: number, of: number, what: string): void {
  assert.ok(count > of / 10 && count < (of * 9) / 10, `${count} of ${of} ${what}`)
}

describe('the inputs of the fuzzer', () => {
  it('bodies: some are right, some are not', () => {
    const fits = (text: string) => {
      try {
        return validatePlaceOrder(parseJson(text))
      } catch {
        return false
      }
    }
    const all = sample(jsonFor(PlaceOrder as unknown as Schema))
    const right = all.filter(fits).length
    assert.ok(right > 200 && right < 400, `${right}`)
  })

  it('requests: to every call, some of them whole, some mutated', () => {
    const all = sample(httpRequests)
    assertSome(all.filter(({ isWhole }) => isWhole).length, all.length, 'are whole')
    assertSome(all.filter(({ to }) => to === 'gateway').length, all.length, 'go to the gateway')
    for (const call of ['POST /orders ', 'GET /orders?', 'POST /accounts ', 'GET /accounts/']) {
      assert.ok(
        all.some(({ request }) => request.startsWith(call)),
        call,
      )
    }
  })

  it('events: some of them fit their document, of messages of one and of several', () => {
    const all = sample(messageCases)
    const parts = all.flatMap(partsOf)
    assertSome(parts.filter((part) => eventIn(part).isEvent).length, parts.length, 'are events')
    assert.ok(all.some((one) => partsOf(one).length > 1))
  })

  it('frames: a right one is as RFC 6455 (5.7) has it, but for the mask', () => {
    assert.equal(rightFrame(opcodes.text, 'Hello'), '\x81\x85\0\0\0\0Hello')
    assert.equal(rightFrame(opcodes.text, 'x'.repeat(200)).slice(0, 8), '\x81\xfe\0\xc8\0\0\0\0')
    assert.ok(new Set(sample(socketCases).map(({ frames }) => frames.charCodeAt(0))).size > 10)
  })
})
