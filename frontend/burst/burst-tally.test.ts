import assert from 'node:assert/strict'
import type { Order } from '#contracts/orders-http.ts'
import type { LedgerEntry } from '#contracts/payments-http.ts'
import { BurstTally, takingsOf } from './burst-tally.ts'

const order = (id: number, status: Order['status'] = 'PAYMENT_PENDING', tookMs = 0): Order => ({
  order_id: `order-${id}`,
  user_id: 'alice',
  amount: '0.10',
  status,
  created_at: new Date(1_000).toISOString(),
  updated_at: new Date(1_000 + tookMs).toISOString(),
})
const debit = (id: number, changes: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...{ tx_id: `tx-${Math.random()}`, order_id: `order-${id}` },
  ...{ type: 'DEBIT', amount: '0.10', status: 'SUCCESS', created_at: '', ...changes },
})

describe('BurstTally', () => {
  it('counts orders by how they ended, and what is due for those that are paid', () => {
    const tally = new BurstTally(4, '0.1')
    tally.take(order(1))
    tally.take(order(2, 'PAID', 30))
    tally.take(order(3, 'PAYMENT_FAILED', 10))
    tally.take(order(4, 'PAID', 20))
    const { durations, ...counts } = tally.read()
    assert.deepEqual(durations, [10, 20, 30])
    assert.deepEqual(counts, {
      sent: 4,
      placed: 4,
      paid: 2,
      refused: 1,
      due: '0.20',
      isDone: false,
    })
  })

  it('knows its orders and their debits', () => {
    const tally = new BurstTally(1, '0.10')
    tally.take(order(1))
    assert.deepEqual([order(1), order(2)].map(tally.hasOrder), [true, false])
    const topUp = debit(1, { type: 'TOPUP', order_id: null })
    assert.deepEqual([debit(1), debit(2), topUp].map(tally.hasDebit), [true, false, false])
  })

  it('is done when all that were placed are final, and keeps a final status', () => {
    const tally = new BurstTally(9, '0.10')
    tally.take(order(1, 'PAID', 5))
    tally.take(order(1))
    assert.equal(tally.read().isDone, false)
    tally.stop()
    assert.equal(tally.read().isDone, true)
    assert.equal(tally.read().paid, 1)
  })
})

describe('BurstTally and refunds', () => {
  it('counts what was paid, whether it was refunded meanwhile or not', () => {
    const tally = new BurstTally(3, '0.10')
    tally.take(order(1, 'PAID', 5))
    tally.take(order(1, 'REFUNDED', 500))
    tally.take(order(2, 'REFUND_PENDING', 50))
    tally.take(order(3, 'REFUNDED', 60))
    const { paid, due, isDone } = tally.read()
    assert.deepEqual([paid, due, isDone], [3, '0.30', true])
  })
})

describe('takingsOf', () => {
  it('adds up what was taken, to the cent', () => {
    const entries = [
      debit(1),
      debit(2, { amount: '9999999999999999.89' }),
      debit(3, { status: 'FAILED' }),
    ]
    assert.deepEqual(takingsOf(entries), { taken: '9999999999999999.99', twice: 0 })
  })

  it('notices an order that was paid twice', () => {
    assert.deepEqual(takingsOf([debit(1), debit(1), debit(2)]), { taken: '0.30', twice: 1 })
  })
})
