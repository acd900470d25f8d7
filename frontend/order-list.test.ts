import assert from 'node:assert/strict'
import { createOrderList } from './order-list.js'

describe('createOrderList', () => {
  const order = (id: number, status = 'PAYMENT_PENDING') => ({
    order_id: `order-${id}`,
    user_id: 'alice',
    amount: '1.00',
    status,
    created_at: `2026-01-01T00:00:0${id}.000Z`,
    updated_at: `2026-01-01T00:00:0${id}.000Z`,
  })

  it('keeps an order final when an older reading arrives later', () => {
    const list = createOrderList(20)
    assert.equal(list.take(order(1)), true)
    assert.equal(list.take(order(1, 'PAID')), true)
    assert.equal(list.take(order(1)), false)
    assert.deepEqual(list.newestFirst(), [order(1, 'PAID')])
  })

  it('shows the newest first and no more than its limit', () => {
    const list = createOrderList(2)
    for (const id of [2, 1, 3]) list.take(order(id))
    assert.deepEqual(list.newestFirst(), [order(3), order(2)])
  })
})
