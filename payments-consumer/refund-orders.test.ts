import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MAX_MINOR } from '#contracts/money.ts'
import {
  type Accounts,
  balanceChangesOf,
  decideRequests,
  entriesOf,
  type Request,
} from './decide-requests.ts'
import { type Refund, type RefundRequest, refundFactOf, refundOrders } from './refund-orders.ts'

const refund: RefundRequest = {
  ...{ orderId: 'order', userId: 'alice', amountMinor: 1_000n, txId: 'tx' },
}
const debit = { ...refund, txId: 'tx of the debit' }
const accountsWith = (balance: bigint, decided: Refund[] = []) => ({
  balances: new Map([['alice', balance]]),
  charged: new Map([['order', debit]]),
  decided: new Map(decided.map((one) => [one.orderId, one])),
})

describe('refundOrders', () => {
  it('gives back what was charged', () => {
    const decisions = refundOrders(accountsWith(0n), [refund])
    assert.deepEqual(decisions, [{ kind: 'refund', refund: { ...refund, failure: null } }])
  })

  it('repeats what was decided before, and what was decided just now', () => {
    const before: Refund = { ...refund, txId: 'then', failure: 'BALANCE_LIMIT' }
    const [again] = refundOrders(accountsWith(0n, [before]), [refund])
    assert.deepEqual(again, { kind: 'repeat', refund: before })
    const kinds = refundOrders(accountsWith(0n), [refund, { ...refund, txId: 'now' }])
    const done = { ...refund, failure: null }
    assert.deepEqual(kinds, [
      { kind: 'refund', refund: done },
      { kind: 'repeat', refund: done },
    ])
  })

  it('refuses, and records, what the balance could not hold, to the cent', () => {
    for (const [balance, failure] of [
      [MAX_MINOR - 1_000n, null],
      [MAX_MINOR - 999n, 'BALANCE_LIMIT'],
    ] as const) {
      const [decision] = refundOrders(accountsWith(balance), [refund])
      assert.deepEqual(decision, { kind: 'refund', refund: { ...refund, failure } })
    }
  })

  for (const [what, request] of [
    ['of an order that was not charged', { ...refund, orderId: 'another' }],
    ['of another amount', { ...refund, amountMinor: 999n }],
    ['of another user', { ...refund, userId: 'mallory' }],
  ] as const) {
    it(`sets aside a refund ${what}, also when the order was refunded`, () => {
      const decided: Refund = { ...refund, failure: null }
      for (const before of [accountsWith(0n), accountsWith(0n, [decided])]) {
        const [decision] = refundOrders(before, [request])
        assert.ok(decision?.kind === 'dead-letter' && decision.reason === 'refund-without-payment')
      }
    })
  }
})

describe('refundFactOf', () => {
  it('tells of a refund with its transaction, of a refusal with its reason', () => {
    const timeline = { charged_at: '2026-01-31T12:00:00.000Z' }
    const data = { order_id: 'order', user_id: 'alice', amount: '10.00', timeline }
    assert.deepEqual(refundFactOf({ ...refund, failure: null }, '10.00', timeline), {
      type: 'PaymentRefunded',
      data: { ...data, tx_id: 'tx' },
    })
    assert.deepEqual(refundFactOf({ ...refund, failure: 'BALANCE_LIMIT' }, '10.00', timeline), {
      type: 'RefundFailed',
      data: { ...data, reason: 'BALANCE_LIMIT' },
    })
  })
})

describe('payments and refunds, in any batches, in any order, with any duplicates', () => {
  const users = ['alice', 'bob', 'nobody']
  const request = fc.record({
    type: fc.constantFrom('PaymentRequested' as const, 'RefundRequested' as const),
    orderId: fc.constantFrom('o1', 'o2', 'o3', 'o4'),
    userId: fc.constantFrom(...users),
    amountMinor: fc.constantFrom(1n, 400n, 700n),
  })
  const batches = fc.array(fc.array(request, { maxLength: 12 }), { maxLength: 6 })
  const start = fc.constantFrom(0n, 1_000n, MAX_MINOR - 300n)

  /** What the database would hold after these batches. */
  function play(balance: bigint, batches: Omit<Request, 'txId'>[][]) {
    const accounts = {
      balances: new Map<string, bigint>([
        ['alice', balance],
        ['bob', balance],
      ]),
      debits: new Map(),
      charged: new Map(),
      refunds: new Map(),
    } satisfies Accounts
    const ledger = batches.flatMap((batch, round) => {
      const requests = batch.map((one, index) => ({ ...one, txId: `${round} ${index}` }))
      const decisions = decideRequests(accounts, requests)
      const entries = decisions.flatMap(entriesOf)
      for (const { userId, total } of balanceChangesOf(entries)) {
        const cents = BigInt(total.replace('.', ''))
        accounts.balances.set(userId, (accounts.balances.get(userId) ?? 0n) + cents)
      }
      for (const decision of decisions) {
        if (decision.kind === 'debit') accounts.debits.set(decision.debit.orderId, decision.debit)
        if (decision.kind === 'debit' && !decision.debit.failure) {
          accounts.charged.set(decision.debit.orderId, decision.debit)
        }
        if (decision.kind === 'refund') {
          accounts.refunds.set(decision.refund.orderId, decision.refund)
        }
      }
      return entries
    })
    return { balances: accounts.balances, ledger }
  }

  it('keep each balance in its limits, and equal to what the ledger adds up to', () => {
    fc.assert(
      fc.property(start, batches, (before, batches) => {
        const { balances, ledger } = play(before, batches)
        for (const [userId, balance] of balances) {
          const changes = ledger
            .filter((entry) => entry.userId === userId && entry.failure === null)
            .map(({ type, amountMinor }) => (type === 'REFUND' ? amountMinor : -amountMinor))
          assert.equal(
            balance,
            changes.reduce((sum, change) => sum + change, before),
          )
          assert.ok(balance >= 0n && balance <= MAX_MINOR)
        }
      }),
    )
  })

  it('decide each order once, and each refund once, of a paid order only', () => {
    fc.assert(
      fc.property(start, batches, (before, batches) => {
        const { ledger } = play(before, batches)
        const names = ledger.map(({ type, orderId }) => `${type} ${orderId}`)
        assert.equal(new Set(names).size, names.length)
        for (const entry of ledger.filter(({ type }) => type === 'REFUND')) {
          const paid = ledger.find(
            ({ type, orderId, failure }) =>
              type === 'DEBIT' && orderId === entry.orderId && failure === null,
          )
          assert.deepEqual([paid?.userId, paid?.amountMinor], [entry.userId, entry.amountMinor])
        }
      }),
    )
  })

  it('charge and refund an order of one batch, in whichever order it was requested', () => {
    const order = { orderId: 'o1', userId: 'alice', amountMinor: 400n }
    const payment = { ...order, type: 'PaymentRequested' as const }
    const refunding = { ...order, type: 'RefundRequested' as const }
    for (const batch of [
      [payment, refunding],
      [refunding, payment],
    ]) {
      const { balances, ledger } = play(1_000n, [batch])
      assert.deepEqual(ledger.map(({ type, failure }) => [type, failure]).sort(), [
        ['DEBIT', null],
        ['REFUND', null],
      ])
      assert.equal(balances.get('alice'), 1_000n)
    }
  })
})
