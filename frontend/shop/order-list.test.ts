import assert from 'node:assert/strict'
import type { Order } from '#contracts/orders-http.ts'
import { OrderList } from './order-list.ts'

describe('OrderList', () => {
  const order = (id: number, status: Order['status'] = 'PAYMENT_PENDING'): Order => ({
    order_id: `order-${id}`,
    user_id: 'alice',
    amount: '1.00',
    status,
    created_at: `2026-01-01T00:00:0${id}.000Z`,
    updated_at: `2026-01-01T00:00:0${id}.000Z`,
  })

  it('keeps an order final when an older reading arrives later', () => {
    const list = new OrderList(20)
    assert.equal(list.take(order(1)), true)
    assert.equal(list.take(order(1, 'PAID')), true)
    assert.equal(list.take(order(1)), false)
    assert.deepEqual(list.newestFirst(), [order(1, 'PAID')])
  })

  it('takes a later change of an order that is no longer pending, and no earlier one', () => {
    const list = new OrderList(20)
    const later = { ...order(1, 'PAYMENT_FAILED'), updated_at: '2026-01-01T00:00:02.000Z' }
    list.take(order(1, 'PAID'))
    assert.equal(list.take(later), true)
    assert.equal(list.take(order(1, 'PAID')), false)
    assert.deepEqual(list.get('order-1'), later)
  })

  it('shows the newest first and no more than its limit', () => {
    const list = new OrderList(2)
    for (const id of [2, 1, 3]) list.take(order(id))
    assert.deepEqual(list.newestFirst(), [order(3), order(2)])
  })
})
