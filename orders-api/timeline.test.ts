import assert from 'node:assert/strict'
import fc from 'fast-check'
import { orderStatuses } from '#contracts/order-states.ts'
import type { TimelineRow } from './rows.ts'
import { timelineOf } from './timeline.ts'

const at = (ms: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, 0, ms))
const pending: TimelineRow = {
  status: 'PAYMENT_PENDING',
  created_at: at(0),
  published_at: null,
  relayed_at: null,
  received_at: null,
  charged_at: null,
  reply_relayed_at: null,
  settled_at: null,
  refund_accepted_at: null,
  updated_at: at(0),
}
const paid: TimelineRow = {
  status: 'PAID',
  created_at: at(0),
  published_at: at(15),
  relayed_at: at(10),
  received_at: at(20),
  charged_at: at(30),
  reply_relayed_at: at(40),
  settled_at: null,
  refund_accepted_at: null,
  updated_at: at(50),
}
const shown = (row: TimelineRow) =>
  timelineOf('id', row).stages.map(({ stage, at: time }) => [stage, Date.parse(time) - +at(0)])
const namesOf = (row: TimelineRow) => shown(row).map(([stage]) => stage)

describe('timelineOf', () => {
  it('shows every stage of a settled order with its time', () => {
    assert.deepEqual(shown(paid), [
      ['accepted', 0],
      ['relayed', 10],
      ['received', 20],
      ['charged', 30],
      ['reply_relayed', 40],
      ['settled', 50],
    ])
  })

  it('says refused instead of charged when the payment failed', () => {
    assert.equal(namesOf({ ...paid, status: 'PAYMENT_FAILED' })[3], 'refused')
  })

  it('shows of a pending order what has happened so far', () => {
    assert.deepEqual(shown(pending), [['accepted', 0]])
    const relayed = [
      ['accepted', 0],
      ['relayed', 7],
    ]
    assert.deepEqual(shown({ ...pending, published_at: at(7) }), relayed)
  })

  it('shows of an order settled before times were kept what the outbox still knows', () => {
    const old = { ...pending, status: 'PAID' as const, updated_at: at(50) }
    assert.deepEqual(namesOf(old), ['accepted', 'settled'])
    assert.deepEqual(namesOf({ ...old, published_at: at(9) }), ['accepted', 'relayed', 'settled'])
  })

  it('leaves out a request that was repeated after the order had been decided', () => {
    const repeated = { ...paid, relayed_at: null, received_at: null, published_at: at(45) }
    assert.deepEqual(namesOf(repeated), ['accepted', 'charged', 'reply_relayed', 'settled'])
  })

  it('moves what a wrong clock has said between acceptance and settlement', () => {
    const ahead = { ...paid, received_at: at(3_600_000), charged_at: at(3_600_001) }
    assert.deepEqual(
      shown(ahead).map(([, ms]) => ms),
      [0, 10, 50, 50, 50, 50],
    )
    const behind = { ...paid, relayed_at: at(-5), received_at: at(-4), charged_at: at(-3) }
    assert.deepEqual(
      shown(behind).map(([, ms]) => ms),
      [0, 0, 0, 0, 40, 50],
    )
  })

  const refunding: TimelineRow = {
    ...paid,
    ...{ status: 'REFUND_PENDING', published_at: at(88) },
    ...{ settled_at: at(50), refund_accepted_at: at(80), updated_at: at(80) },
  }

  it('shows of a refund when it was accepted, and when the order was refunded', () => {
    const payment = shown(paid)
    assert.deepEqual(shown(refunding), [...payment, ['refund_accepted', 80]])
    const refunded: TimelineRow = { ...refunding, status: 'REFUNDED', updated_at: at(90) }
    const refund = [...payment, ['refund_accepted', 80], ['refunded', 90]]
    assert.deepEqual(shown(refunded), refund)
  })

  it('shows no end of a refund that was refused, and leaves the payment as it was', () => {
    const refusedRefund: TimelineRow = { ...refunding, status: 'PAID', updated_at: at(90) }
    assert.deepEqual(shown(refusedRefund), [...shown(paid), ['refund_accepted', 80]])
  })

  it('takes no time of a refund request for one of the payment', () => {
    const old = { ...refunding, relayed_at: null, received_at: null, charged_at: null }
    const names = namesOf({ ...old, reply_relayed_at: null })
    assert.deepEqual(names, ['accepted', 'settled', 'refund_accepted'])
  })

  it('never decreases, whatever was written down', () => {
    const time = fc.date({ noInvalidDate: true })
    const maybe = fc.option(time)
    const row = fc.record<TimelineRow>({
      status: fc.constantFrom(...orderStatuses),
      created_at: time,
      published_at: maybe,
      relayed_at: maybe,
      received_at: maybe,
      charged_at: maybe,
      reply_relayed_at: maybe,
      settled_at: maybe,
      refund_accepted_at: maybe,
      updated_at: time,
    })
    fc.assert(
      fc.property(row, (row) => {
        const times = timelineOf('id', row).stages.map(({ at: shownAt }) => Date.parse(shownAt))
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        )
        assert.equal(times[0], row.created_at.getTime())
      }),
    )
  })
})
