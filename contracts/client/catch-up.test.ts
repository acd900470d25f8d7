import assert from 'node:assert/strict'
import type { Order } from '../orders-http.ts'
import { catchUp, type ReadPage } from './catch-up.ts'

const order = (second: number, status: Order['status']): Order => ({
  order_id: `${second}`,
  user_id: 'alice',
  amount: '1.00',
  status,
  created_at: new Date(second * 1_000).toISOString(),
  updated_at: '',
})
const at = (second: number) => new Date(second * 1_000).toISOString()

/** A server that has these orders, the newest first, and pages of two. */
const serverOf =
  (orders: Order[]): ReadPage =>
  async ({ status, limit = 2, cursor = '0' }) => {
    const wanted = orders.filter((one) => !status || one.status === status)
    const from = Number(cursor)
    const end = from + Math.min(limit, 2)
    return {
      items: wanted.slice(from, end),
      next_cursor: end < wanted.length ? String(end) : null,
    }
  }

describe('catchUp', () => {
  it('begins at the oldest order that is still pending', async () => {
    const read = serverOf([
      order(5, 'PAID'),
      order(4, 'PAYMENT_PENDING'),
      order(3, 'PAYMENT_FAILED'),
      order(2, 'PAYMENT_PENDING'),
      order(1, 'PAID'),
    ])
    assert.deepEqual(await catchUp(read, undefined), { orders: [], since: at(2) })
  })

  it('begins at the newest order when none is pending, and anywhere when there is none', async () => {
    const { since } = await catchUp(serverOf([order(5, 'PAID'), order(4, 'PAID')]), undefined)
    assert.equal(since, at(5))
    const none = await catchUp(serverOf([]), undefined)
    const later = await catchUp(serverOf([order(1, 'PAID')]), none.since)
    assert.deepEqual(
      later.orders.map(({ order_id }) => order_id),
      ['1'],
    )
  })

  it('reads page by page back to where it was, and tells in the order of making', async () => {
    const read = serverOf([9, 8, 7, 6, 5, 4, 3].map((second) => order(second, 'PAID')))
    const { orders, since } = await catchUp(read, at(5))
    assert.deepEqual(
      orders.map(({ order_id }) => order_id),
      ['5', '6', '7', '8', '9'],
    )
    assert.equal(since, at(9))
  })

  it('stays at an order that is still pending', async () => {
    const read = serverOf([order(9, 'PAID'), order(8, 'PAYMENT_PENDING'), order(7, 'PAID')])
    assert.equal((await catchUp(read, at(7))).since, at(8))
  })
})
