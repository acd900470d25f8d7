import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isPending, type OrderStatus, orderStatuses } from '#contracts/order-states.ts'

const model = readFileSync(`${import.meta.dirname}/orders.pml`, 'utf8')

/**
 * Each state of an order as the model calls it: a state that the system has and the model has not
 * is not checked.
 */
const inModel: Record<OrderStatus, string> = {
  PAYMENT_PENDING: 'PENDING',
  PAID: 'PAID',
  PAYMENT_FAILED: 'FAILED',
  REFUND_PENDING: 'REFUNDING',
  REFUNDED: 'REFUNDED',
}

describe('the model', () => {
  it('has each state of an order, and takes for final what is at rest (orders.pml)', () => {
    const names = /^mtype = \{ (.*) \};$/m.exec(model)?.[1]?.split(', ') ?? []
    assert.deepEqual(
      Object.values(inModel).filter((name) => !names.includes(name)),
      [],
    )
    const isFinal = /^#define isFinal\(order\)\s+\((.*)\)$/m.exec(model)?.[1] ?? ''
    assert.deepEqual(
      [...isFinal.matchAll(/== (\w+)/g)].map(([, name]) => name).sort(),
      orderStatuses.flatMap((status) => (isPending(status) ? [] : [inModel[status]])).sort(),
    )
  })
})
