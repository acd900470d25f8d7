import assert from 'node:assert/strict'
import type { Order } from '#contracts/orders-http.ts'
import { backfill, mostCommitDelayMs, withHeard } from './backfill.ts'
import type { OrderReader } from './order-reader.ts'

const order = (second: number, status: Order['status']): Order => ({
  order_id: `${second}`,
  user_id: 'alice',
  amount: '1.00',
  status,
  created_at: new Date(second * 1_000).toISOString(),
  updated_at: '',
})
/** From where the next reading begins when this was the newest order. */
const startAt = (second: number) => new Date(second * 1_000 - mostCommitDelayMs).toISOString()
const idsOf = (orders: Order[]) => orders.map(({ order_id }) => order_id)

/** A server that has these orders, the newest first, and pages of two. */
const serverOf = (orders: Order[]): OrderReader => ({
  page: async ({ status, limit = 2, cursor = '0' }) => {
    const wanted = orders.filter((one) => !status || one.status === status)
    const from = Number(cursor)
    const end = from + Math.min(limit, 2)
    return {
      items: wanted.slice(from, end),
      next_cursor: end < wanted.length ? String(end) : null,
    }
  },
  order: async (id) => orders.find(({ order_id }) => order_id === id) ?? assert.fail(`no ${id}`),
})

describe('backfill', () => {
  it('tells nothing the first time, and begins at the oldest order that is still pending', async () => {
    const read = serverOf([order(500, 'PAID'), order(4, 'PAYMENT_PENDING'), order(3, 'PAID')])
    const { orders, known } = await backfill(read, undefined)
    assert.deepEqual([orders, known.from], [[], new Date(4_000).toISOString()])
  })

  it('begins before the newest order when none is pending, and anywhere when there is none', async () => {
    const { known } = await backfill(serverOf([order(500, 'PAID'), order(4, 'PAID')]), undefined)
    assert.equal(known.from, startAt(500))
    const none = await backfill(serverOf([]), undefined)
    const later = await backfill(serverOf([order(1, 'PAID')]), none.known)
    assert.deepEqual(idsOf(later.orders), ['1'])
  })

  it('reads page by page back to where it was, and tells in the order of making', async () => {
    const seconds = [900, 800, 700, 600, 500]
    const { known } = await backfill(serverOf([order(600, 'PAYMENT_PENDING')]), undefined)
    const read = serverOf(seconds.map((second) => order(second, 'PAID')))
    const { orders, known: next } = await backfill(read, known)
    assert.deepEqual(idsOf(orders), ['600', '700', '800', '900'])
    assert.equal(next.from, startAt(900))
  })

  it('finds an order that began earlier than the newest and became visible later, once', async () => {
    const seen = [order(500, 'PAID'), order(499, 'PAYMENT_FAILED')]
    const first = await backfill(serverOf(seen), undefined)
    const late = order(498, 'PAID')
    const second = await backfill(serverOf([...seen, late]), first.known)
    assert.deepEqual(second.orders, [late])
    assert.deepEqual((await backfill(serverOf([...seen, late]), second.known)).orders, [])
  })

  it('stays at an order that is still pending, and tells its end', async () => {
    const pending = [order(900, 'PAID'), order(8, 'PAYMENT_PENDING'), order(7, 'PAID')]
    const { known } = await backfill(serverOf(pending), undefined)
    const again = await backfill(serverOf(pending), known)
    assert.deepEqual(idsOf(again.orders), ['8'])
    const ended = serverOf([order(900, 'PAID'), order(8, 'PAID'), order(7, 'PAID')])
    assert.deepEqual(idsOf((await backfill(ended, again.known)).orders), ['8'])
  })

  it('begins before what was heard first, when nothing could be read yet', async () => {
    const heard = withHeard(withHeard(undefined, order(600, 'PAID')), order(500, 'PAID'))
    assert.equal(heard.from, startAt(500))
    const { orders, known } = await backfill(
      serverOf([order(450, 'PAID'), order(9, 'PAID')]),
      heard,
    )
    assert.deepEqual(idsOf(orders), ['450'])
    assert.equal(withHeard(known, order(440, 'PAID')), known)
  })

  describe('of old orders that are refunded', () => {
    const newest = order(900_000, 'PAID')
    const at = (status: Order['status'], change: number) => ({
      ...order(7, status),
      updated_at: new Date(change * 1_000).toISOString(),
    })
    const withOld = (old: Order) => serverOf([newest, order(8, 'REFUNDED'), old])
    const first = () => backfill(withOld(at('PAID', 1)), undefined)

    it('tells each change that was missed, once, and none of before', async () => {
      const { known } = await first()
      for (const changed of [at('REFUND_PENDING', 2), at('REFUNDED', 3)]) {
        const second = await backfill(withOld(changed), known)
        assert.deepEqual(second.orders, [changed])
        const third = await backfill(withOld(changed), second.known)
        assert.deepEqual([third.orders, third.known.from], [[], known.from])
      }
    })

    it('tells that a refund was refused, of an order that was heard or read in it', async () => {
      const { known } = await first()
      const refunding = at('REFUND_PENDING', 2)
      const read = (await backfill(withOld(refunding), known)).known
      const paidAgain = at('PAID', 3)
      for (const before of [withHeard(known, refunding), read]) {
        const { orders, known: next } = await backfill(withOld(paidAgain), before)
        assert.deepEqual(orders, [paidAgain])
        assert.deepEqual((await backfill(withOld(paidAgain), next)).orders, [])
      }
    })

    it('reads them all again, a page after the other, and the others of that time no more', async () => {
      const refunded = Array.from({ length: 5 }, (_, second) => order(second, 'REFUNDED'))
      const orders = [newest, ...refunded, ...[11, 12, 13].map((second) => order(second, 'PAID'))]
      const { known } = await backfill(serverOf(orders), undefined)
      const asked: string[] = []
      const { page, order: one } = serverOf(orders)
      const counting: OrderReader['page'] = (query) => {
        asked.push(query.status ?? 'any')
        return page(query)
      }
      assert.deepEqual((await backfill({ page: counting, order: one }, known)).orders, [])
      const counts = ['any', 'REFUND_PENDING', 'REFUNDED', 'PAYMENT_PENDING'].map(
        (status) => asked.filter((each) => each === status).length,
      )
      assert.deepEqual(counts, [1, 1, 3, 0])
    })
  })
})
