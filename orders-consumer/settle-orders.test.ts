import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import type { EventOf } from '#contracts/events.ts'
import { type PaymentOutcome, type SettledOrder, settleOrders } from './settle-orders.ts'

const pending: SettledOrder = {
  order_id: randomUUIDv7(),
  user_id: 'alice',
  amount: '12.50',
  status: 'PAYMENT_PENDING',
  failure_reason: null,
}
const { order_id, user_id, amount } = pending
const paid: SettledOrder = { ...pending, status: 'PAID' }
const refused: SettledOrder = {
  ...pending,
  status: 'PAYMENT_FAILED',
  failure_reason: 'INSUFFICIENT_FUNDS',
}
const succeeded: EventOf<'PaymentSucceeded'> = {
  specversion: '1.0',
  id: randomUUIDv7(),
  type: 'PaymentSucceeded',
  source: '/payments',
  data: { order_id, user_id, amount, tx_id: randomUUIDv7() },
}
const failed: EventOf<'PaymentFailed'> = {
  ...succeeded,
  type: 'PaymentFailed',
  data: { order_id, user_id, amount, reason: 'INSUFFICIENT_FUNDS' },
}
const about = (outcome: PaymentOutcome, changes: object) =>
  ({ ...outcome, data: { ...outcome.data, ...changes } }) as PaymentOutcome
const settle = (order: SettledOrder, ...outcomes: PaymentOutcome[]) =>
  settleOrders(new Map([[order.order_id, order]]), outcomes)

describe('settleOrders', () => {
  it('makes a pending order paid when its payment succeeded', () => {
    const settlement = { kind: 'settle', status: 'PAID', failureReason: null }
    assert.deepEqual(settle(pending, succeeded), [settlement])
  })

  it('makes a pending order failed, with the reason, when its payment failed', () => {
    const failureReason = 'INSUFFICIENT_FUNDS'
    const settlement = { kind: 'settle', status: 'PAYMENT_FAILED', failureReason }
    assert.deepEqual(settle(pending, failed), [settlement])
  })

  for (const [order, outcome] of [
    [paid, succeeded],
    [refused, failed],
  ] as const) {
    it(`changes nothing when ${outcome.type} comes again for an order that is ${order.status}`, () => {
      assert.deepEqual(settle(order, outcome), [{ kind: 'repeat' }])
    })
  }

  for (const [order, outcome] of [
    [paid, failed],
    [refused, succeeded],
  ] as const) {
    it(`sets ${outcome.type} aside for an order that is ${order.status}`, () => {
      const [settlement] = settle(order, outcome)
      assert.ok(settlement?.kind === 'dead-letter' && settlement.reason === 'contradiction')
    })
  }

  for (const changes of [{ amount: '12.51' }, { amount: '12.5' }, { user_id: 'mallory' }]) {
    it(`sets an outcome aside that says ${JSON.stringify(changes)}, whatever the status`, () => {
      for (const order of [pending, paid, refused]) {
        for (const outcome of [succeeded, failed]) {
          const [settlement] = settle(order, about(outcome, changes))
          assert.ok(settlement?.kind === 'dead-letter' && settlement.reason === 'contradiction')
        }
      }
    })
  }

  it('sets an outcome aside when there is no such order', () => {
    const [settlement] = settleOrders(new Map(), [succeeded])
    assert.ok(settlement?.kind === 'dead-letter' && settlement.reason === 'unknown-order')
    assert.match(settlement.error, new RegExp(order_id))
  })

  it('decides by what came first within a batch', () => {
    const kinds = settle(pending, succeeded, failed, succeeded).map(({ kind }) => kind)
    assert.deepEqual(kinds, ['settle', 'dead-letter', 'repeat'])
  })

  it('settles an order at most once, by its first outcome, however batches are cut', () => {
    const outcome = fc.constantFrom(succeeded, failed, about(succeeded, { amount: '1.00' }))
    const order = fc.constantFrom(pending, paid, refused)
    fc.assert(
      fc.property(order, fc.array(fc.array(outcome, { maxLength: 5 })), (order, batches) => {
        let now = order
        const changes = batches.flatMap((batch) =>
          settle(now, ...batch).flatMap((settlement) => {
            if (settlement.kind !== 'settle') return []
            now = { ...now, status: settlement.status, failure_reason: settlement.failureReason }
            return [settlement.status]
          }),
        )
        const first = batches.flat().find(({ data }) => data.amount === amount)
        const ends = { PaymentSucceeded: 'PAID', PaymentFailed: 'PAYMENT_FAILED' }
        assert.deepEqual(changes, order === pending && first ? [ends[first.type]] : [])
      }),
    )
  })
})
