import assert from 'node:assert/strict'
import type { Order } from '#contracts/orders-http.ts'
import { CallError } from './answer.ts'
import type { OrderReader } from './order-reader.ts'
import { type Loss, UserBackfills } from './user-backfills.ts'

const count = 10
const orders = Array.from({ length: count }, (_, index): Order => {
  const at = new Date((count - index) * 1_000).toISOString()
  const times = { created_at: at, updated_at: at }
  return {
    order_id: `${index}`,
    user_id: 'alice',
    amount: '1.00',
    status: 'PAYMENT_PENDING',
    ...times,
  }
})

describe('UserBackfills', () => {
  it('reads each page until it is there, and none twice, from a server that answers every other call', async () => {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>()
    let calls = 0
    const cursors: (string | undefined)[] = []
    const losses: Loss[] = []
    const page: OrderReader['page'] = async ({ status, limit, cursor = '0' }) => {
      if (calls === 100) reject(new Error('it restarts for ever'))
      if (calls++ % 2 === 1) throw new CallError('No answer came')
      if (status === 'PAYMENT_PENDING') cursors.push(cursor)
      const from = Number(cursor)
      const end = from + Math.min(limit ?? 1, 1)
      return { items: orders.slice(from, end), next_cursor: end < count ? String(end) : null }
    }
    const order = () => reject(new Error('no order is in refund')) as never
    const backfills: UserBackfills = new UserBackfills(() => ({ page, order }), {
      onOrder: () => reject(new Error('nothing was missed')),
      onDone: resolve,
      onLoss: (loss) => {
        losses.push(loss)
        setImmediate(() => backfills.tryNow())
      },
      onRefused: () => reject(new Error('nothing is refused')),
    })
    backfills.read('alice', new AbortController().signal).catch(reject)
    await done
    assert.deepEqual(
      cursors,
      Array.from({ length: count }, (_, index) => String(index)),
    )
    assert.equal(losses.length, Math.floor(calls / 2))
  })
})
