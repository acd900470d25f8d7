import assert from 'node:assert/strict'
import fc from 'fast-check'
import { maxPayloadBytes } from '#messaging/notifications/notify.ts'
import { orderIdsIn, statusPayloads } from './order-status.ts'

const orderIds = fc.array(fc.uuid(), { maxLength: 1_000 })

describe('statusPayloads', () => {
  it('loses no order and keeps every payload short enough for a NOTIFY', () => {
    fc.assert(
      fc.property(orderIds, (ids) => {
        const payloads = statusPayloads(ids, maxPayloadBytes)
        for (const payload of payloads) assert.ok(Buffer.byteLength(payload) < 8_000)
        assert.deepEqual(payloads.flatMap(orderIdsIn), ids)
      }),
      { numRuns: 50 },
    )
  })

  it('fills a payload before it begins the next', () => {
    const ids = Array.from({ length: 217 }, () => crypto.randomUUID())
    const payloads = statusPayloads(ids, maxPayloadBytes)
    assert.deepEqual(
      payloads.map((payload) => orderIdsIn(payload).length),
      [216, 1],
    )
  })

  it('has nothing to say of no orders', () => assert.deepEqual(statusPayloads([], 100), []))
})

describe('orderIdsIn', () => {
  it('leaves out whatever is no order id: anybody may send a NOTIFY', () => {
    const id = crypto.randomUUID()
    assert.deepEqual(orderIdsIn(`${id},x,,${id.toUpperCase()}, ${id},${id}`), [id, id])
    fc.assert(fc.property(fc.string(), (text) => assert.deepEqual(orderIdsIn(text), [])))
  })
})
