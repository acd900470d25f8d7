import assert from 'node:assert/strict'
import type { FinalState, LedgerRow, OrderRow } from './final-state.ts'
import { History } from './history.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Alice tops up 20.00 and orders for 12.50: all is well, and each test breaks one thing. */
const order: OrderRow = {
  order_id: 'order-1',
  user_id: 'alice',
  amount: '12.50',
  status: 'PAID',
  failure_reason: null,
  request_attempts: 1,
}
const topUp: LedgerRow = {
  tx_id: 'tx-1',
  order_id: null,
  user_id: 'alice',
  type: 'TOPUP',
  amount: '20.00',
  status: 'SUCCESS',
  reason: null,
  created_at: new Date('2030-01-01T12:00:00Z'),
}
const debit: LedgerRow = {
  ...topUp,
  tx_id: 'tx-2',
  order_id: 'order-1',
  type: 'DEBIT',
  amount: '12.50',
}
const finalState: FinalState = {
  orders: [order],
  accounts: [{ user_id: 'alice', balance: '7.50' }],
  ledger: [topUp, debit],
  keys: [],
  owed: { 'outbox of orders': 0 },
  deadLetters: [],
}
const body = JSON.stringify({ order_id: 'order-1' })

function historyOf(answered: 'ok' | 'fail' | 'unknown' = 'ok'): History {
  const history = new History()
  const userId = 'alice'
  history.answer(history.ask({ kind: 'account', userId, key: 'k0', amountMinor: 0n }), 201, '{}')
  const paidIn = history.ask({ kind: 'topup', userId, key: 'k1', amountMinor: 2_000n })
  history.answer(paidIn, 200, JSON.stringify({ tx_id: 'tx-1' }))
  const placed = history.ask({ kind: 'order', userId, key: 'k2', amountMinor: 1_250n })
  if (answered === 'ok') history.answer(placed, 201, body)
  if (answered === 'fail') history.answer(placed, 422, '{}')
  history.watch('order-1')
  history.receive('order-1', 'PAID')
  return history
}

const endings = ({ orders }: Verdict) => Object.entries(orders).filter(([, count]) => count > 0)
const judge = (changes: Partial<FinalState>, history = historyOf()) =>
  verdictOf(history, { ...finalState, ...changes })
const key = { user_id: 'alice', key: 'k2', body }

describe('verdictOf', () => {
  it('finds nothing to say of an order that went well', () => {
    assert.deepEqual(judge({}).faults, [])
    assert.deepEqual(endings(judge({})), [['ok', 1]])
  })

  it('calls an order recovered that nobody got an answer for, if it went well', () => {
    const verdict = judge({ keys: [key] }, historyOf('unknown'))
    assert.deepEqual([endings(verdict), verdict.faults], [[['recovered', 1]], []])
  })

  it('has no word for a call that was never answered and did not happen', () => {
    const nothing = {
      orders: [],
      ledger: [topUp],
      accounts: [{ user_id: 'alice', balance: '20.00' }],
    }
    const verdict = judge(nothing, historyOf('unknown'))
    assert.deepEqual([endings(verdict), verdict.faults], [[], []])
  })

  it('counts what was requested again', () => {
    assert.equal(judge({ orders: [{ ...order, request_attempts: 2 }] }).requestedAgain, 1)
  })

  const twice = { ...debit, tx_id: 'tx-3' }
  const refused: LedgerRow = { ...debit, status: 'FAILED', reason: 'INSUFFICIENT_FUNDS' }
  const second = { ...order, order_id: 'order-2' }
  const words: [word: string, situation: string, Partial<FinalState>][] = [
    ['lost', 'an acknowledged order that is not there', { orders: [] }],
    ['duplicated', 'two debits', { ledger: [topUp, debit, twice] }],
    ['duplicated', 'a second order for the same call', { orders: [order, second] }],
    [
      'duplicated',
      'two orders for one key',
      { keys: [{ ...key, body: '{"order_id":"order-2"}' }] },
    ],
    [
      'unexpected',
      'an order that nobody placed',
      { orders: [order, { ...second, amount: '1.00' }] },
    ],
    ['unexpected', 'another amount', { orders: [{ ...order, amount: '12.49' }] }],
    ['unexpected', 'a debit of another amount', { ledger: [topUp, { ...debit, amount: '12.49' }] }],
    ['unexpected', 'a debit for no order', { ledger: [topUp, debit, { ...twice, order_id: 'x' }] }],
    ['unexpected', 'a status without a decision', { ledger: [topUp] }],
    ['unexpected', 'a status that the ledger does not bear out', { ledger: [topUp, refused] }],
    ['stuck', 'a pending order', { orders: [{ ...order, status: 'PAYMENT_PENDING' }] }],
  ]
  for (const [word, situation, changes] of words) {
    it(`says "${word}" of ${situation}`, () => {
      const verdict = judge(changes)
      assert.ok(
        endings(verdict).some(([ending]) => ending === word),
        verdict.faults.join('\n'),
      )
      assert.ok(verdict.faults.some((fault) => fault.startsWith(`${word}: `)))
    })
  }

  it('says "unexpected" of an order that was refused and is there', () => {
    assert.match(judge({ keys: [key] }, historyOf('fail')).faults.join(), /unexpected: .*refused/)
  })

  const account = { user_id: 'alice', balance: '7.50' }
  const faults: [RegExp, Partial<FinalState>][] = [
    [/balance of alice is 7.49/, { accounts: [{ ...account, balance: '7.49' }] }],
    [/account of alice .* is gone/, { accounts: [] }],
    [/money of alice moved/, { accounts: [] }],
    [/top-up k1 of alice is not in the ledger/, { ledger: [{ ...topUp, amount: '2.00' }, debit] }],
    [/top-up tx-9 of alice belongs to no call/, { ledger: [topUp, { ...topUp, tx_id: 'tx-9' }] }],
    [/1 left: outbox of orders/, { owed: { 'outbox of orders': 1 } }],
    [/m-1 is a dead letter/, { deadLetters: [{ queue: 'q', messageId: 'm-1', reason: 'r' }] }],
    [/answered in 2 ways|has the orders/, { keys: [{ ...key, body: '{"order_id":"order-2"}' }] }],
  ]
  for (const [fault, changes] of faults) {
    it(`finds ${fault.source}`, () => assert.match(judge(changes).faults.join('\n'), fault))
  }

  it('finds what was injected and set aside nowhere, and nothing when it was', () => {
    const history = historyOf()
    history.inject({ queue: 'q', messageId: 'm-1' })
    assert.deepEqual(judge({}, history).faults, ['m-1 is no dead letter of q'])
    const letter = { queue: 'q', messageId: 'm-1', reason: 'not-json' }
    assert.deepEqual(judge({ deadLetters: [letter, letter] }, history).faults, [])
  })

  it('finds a subscriber that received nothing, or something else', () => {
    const unreceived = historyOf()
    unreceived.received.set('order-1', [])
    assert.match(judge({}, unreceived).faults.join(), /nobody was told/)
    const misled = historyOf()
    misled.receive('order-1', 'PAYMENT_FAILED')
    assert.match(judge({}, misled).faults.join(), /a subscriber received PAYMENT_FAILED/)
  })

  describe('of an order that was refused', () => {
    const refusedAfter = (ms: number, amount: string) => {
      const created_at = new Date(topUp.created_at.getTime() + ms)
      const refusal = { ...refused, created_at, amount }
      return judge({ ledger: [topUp, debit, { ...refusal, tx_id: 'tx-3', order_id: 'order-3' }] })
    }
    const unjust = /order-3 of alice about .* could have paid/

    it('finds that its user could have paid all the time', () => {
      assert.match(refusedAfter(60_000, '7.50').faults.join('\n'), unjust)
    })

    it('finds nothing when the money was not enough, or may have come only then', () => {
      assert.doesNotMatch(refusedAfter(60_000, '7.51').faults.join('\n'), unjust)
      assert.doesNotMatch(refusedAfter(15_000, '7.50').faults.join('\n'), unjust)
    })
  })

  describe('of a refund', () => {
    const refund: LedgerRow = { ...debit, tx_id: 'tx-3', type: 'REFUND' }
    const refunded: Partial<FinalState> = {
      orders: [{ ...order, status: 'REFUNDED' }],
      accounts: [{ user_id: 'alice', balance: '20.00' }],
      ledger: [topUp, debit, refund],
    }
    function refundHistory(isAccepted = true): History {
      const history = historyOf()
      const asking = { kind: 'refund', userId: 'alice', key: 'k3', amountMinor: 1_250n } as const
      const call = history.ask({ ...asking, orderId: 'order-1' })
      if (!isAccepted) return history
      history.answer(call, 200, body)
      history.watchRefund('order-1')
      history.receive('order-1', 'REFUNDED')
      return history
    }
    const faultsOf = (changes: Partial<FinalState>, history = refundHistory()) =>
      judge({ ...refunded, ...changes }, history).faults.join('\n')

    it('finds nothing to say of one that went well, or of which nobody knows the answer', () => {
      assert.equal(faultsOf({}), '')
      assert.equal(judge(refunded, refundHistory()).refunded, 1)
      assert.equal(faultsOf({}, refundHistory(false)), '')
      const refusal: LedgerRow = { ...refund, status: 'FAILED', reason: 'BALANCE_LIMIT' }
      const changes: Partial<FinalState> = {
        orders: [{ ...order, failure_reason: 'BALANCE_LIMIT' }],
        accounts: finalState.accounts,
        ledger: [topUp, debit, refusal],
      }
      const history = refundHistory()
      history.received.set('order-1', ['PAID', 'PAID'])
      assert.equal(faultsOf(changes, history), '')
    })

    for (const [fault, changes] of [
      [
        /duplicated: order order-1 has two refunds/,
        { ledger: [topUp, debit, refund, { ...refund, tx_id: 'x' }] },
      ],
      [/balance of alice is 20.00/, { ledger: [topUp, debit] }],
      [/was accepted, and never decided/, { ledger: [topUp, debit] }],
      [/is REFUNDED, but it has no debit/, { ledger: [topUp, refund] }],
      [/is PAID, but its debit is SUCCESS, its refund is SUCCESS/, { orders: [order] }],
      [/stuck: order order-1 is pending/, { orders: [{ ...order, status: 'REFUND_PENDING' }] }],
      [/wrong entry/, { ledger: [topUp, debit, { ...refund, amount: '1.00' }] }],
    ] as [RegExp, Partial<FinalState>][]) {
      it(`finds ${fault.source}`, () => assert.match(faultsOf(changes), fault))
    }

    it('finds one that nobody asked for, and one of which nobody was told', () => {
      assert.match(faultsOf({}, historyOf()), /refunded, which nobody asked for/)
      const unreceived = refundHistory()
      unreceived.received.set('order-1', ['PAID'])
      assert.match(faultsOf({}, unreceived), /nobody was told that order order-1 is REFUNDED/)
      unreceived.received.set('order-1', ['PAID', 'PAYMENT_FAILED', 'REFUNDED'])
      assert.match(faultsOf({}, unreceived), /a subscriber received PAYMENT_FAILED/)
    })
  })

  it('finds an answer that was not the same again', () => {
    const history = historyOf()
    history.answer(history.calls[1]!, 200, JSON.stringify({ tx_id: 'tx-1', balance: '1.00' }))
    assert.match(judge({}, history).faults.join(), /answered in 2 ways/)
  })
})
