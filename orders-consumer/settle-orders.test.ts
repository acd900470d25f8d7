import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import fc from 'fast-check'
import type { EventOf } from '#contracts/events.ts'
import {
  type OrderToSettle,
  type PaymentOutcome,
  type Settlement,
  settleOrders,
} from './settle-orders.ts'

const pending: OrderToSettle = {
  order_id: randomUUIDv7(),
  user_id: 'alice',
  amount: '12.50',
  status: 'PAYMENT_PENDING',
  failure_reason: null,
}
const { order_id, user_id, amount } = pending
const paid: OrderToSettle = { ...pending, status: 'PAID' }
const refused: OrderToSettle = {
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
const refunding: OrderToSettle = { ...pending, status: 'REFUND_PENDING' }
const refunded: OrderToSettle = { ...pending, status: 'REFUNDED' }
const refundSucceeded: EventOf<'PaymentRefunded'> = { ...succeeded, type: 'PaymentRefunded' }
const refundFailed: EventOf<'RefundFailed'> = {
  ...succeeded,
  type: 'RefundFailed',
  data: { order_id, user_id, amount, reason: 'BALANCE_LIMIT' },
}
const orders = [pending, paid, refused, refunding, refunded]
const replies = [succeeded, failed, refundSucceeded, refundFailed]
const about = (outcome: PaymentOutcome, changes: object) =>
  ({ ...outcome, data: { ...outcome.data, ...changes } }) as PaymentOutcome
const settle = (order: OrderToSettle, ...outcomes: PaymentOutcome[]) =>
  settleOrders(new Map([[order.order_id, order]]), outcomes)

describe('settleOrders', () => {
  /**
   * What each reply makes of each order: the next status with its reason, nothing new, or a dead
   * letter.
   */
  const matrix: Record<OrderToSettle['status'], Record<PaymentOutcome['type'], string>> = {
    PAYMENT_PENDING: {
      PaymentSucceeded: 'PAID',
      PaymentFailed: 'PAYMENT_FAILED INSUFFICIENT_FUNDS',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'contradiction',
    },
    PAID: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'repeat',
    },
    PAYMENT_FAILED: {
      PaymentSucceeded: 'contradiction',
      PaymentFailed: 'repeat',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'contradiction',
    },
    REFUND_PENDING: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'REFUNDED',
      RefundFailed: 'PAID BALANCE_LIMIT',
    },
    REFUNDED: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'repeat',
      RefundFailed: 'contradiction',
    },
  }
  const outcomeOf = (settlement: Settlement | undefined) => {
    if (settlement?.kind !== 'settle') {
      return settlement?.kind === 'dead-letter' ? settlement.reason : settlement?.kind
    }
    return [settlement.status, settlement.failureReason].filter(Boolean).join(' ')
  }
  for (const order of orders) {
    for (const reply of replies) {
      const expected = matrix[order.status][reply.type]
      it(`makes of an order that is ${order.status}, by ${reply.type}: ${expected}`, () => {
        assert.equal(outcomeOf(settle(order, reply)[0]), expected)
      })
    }
  }

  for (const changes of [{ amount: '12.51' }, { amount: '12.5' }, { user_id: 'mallory' }]) {
    it(`sets an outcome aside that says ${JSON.stringify(changes)}, whatever the status`, () => {
      for (const order of orders) {
        for (const outcome of replies) {
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

  it('ends a refund once, whatever comes late, twice or out of order', () => {
    const kinds = settle(
      refunding,
      succeeded,
      refundSucceeded,
      succeeded,
      refundSucceeded,
      refundFailed,
    )
    assert.deepEqual(kinds.map(outcomeOf), [
      ...['repeat', 'REFUNDED', 'repeat', 'repeat', 'contradiction'],
    ])
    const again = settle(refunding, refundFailed, refundFailed, refundSucceeded)
    assert.deepEqual(again.map(outcomeOf), ['PAID BALANCE_LIMIT', 'repeat', 'contradiction'])
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
        const ends = first?.type === 'PaymentSucceeded' ? 'PAID' : 'PAYMENT_FAILED'
        assert.deepEqual(changes, order === pending && first ? [ends] : [])
      }),
    )
  })
})
