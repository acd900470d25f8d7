import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type ChargeRequest,
  type ChargeState,
  chargeOrders,
  type Debit,
  factOf,
} from './charge-orders.ts'

const nothing: ChargeState = { balances: new Map(), decided: new Map() }
const request = (changes: Partial<ChargeRequest> = {}): ChargeRequest => ({
  ...{ orderId: 'order', userId: 'alice', amountMinor: 1_000n, txId: 'tx' },
  ...changes,
})
const withBalance = (balance: bigint, ...decided: Debit[]): ChargeState => ({
  balances: new Map([['alice', balance]]),
  decided: new Map(decided.map((debit) => [debit.orderId, debit])),
})

describe('chargeOrders', () => {
  it('charges an account that holds the amount, to the cent', () => {
    const [decision] = chargeOrders(withBalance(1_000n), [request()])
    assert.deepEqual(decision, { kind: 'debit', debit: { ...request(), failure: null } })
  })

  it('refuses when one cent is missing', () => {
    const [decision] = chargeOrders(withBalance(999n), [request()])
    const debit = { ...request(), failure: 'INSUFFICIENT_FUNDS' }
    assert.deepEqual(decision, { kind: 'debit', debit })
  })

  it('refuses when there is no account', () => {
    const [decision] = chargeOrders(nothing, [request()])
    assert.deepEqual(decision, {
      kind: 'debit',
      debit: { ...request(), failure: 'ACCOUNT_NOT_FOUND' },
    })
  })

  it('spends a balance only once within a batch, in the order of arrival', () => {
    const orders = ['first', 'second', 'third'].map((orderId) => request({ orderId }))
    const failures = chargeOrders(withBalance(2_500n), orders).map(
      (decision) => decision.kind === 'debit' && decision.debit.failure,
    )
    assert.deepEqual(failures, [null, null, 'INSUFFICIENT_FUNDS'])
  })

  it('repeats what was decided before, even if it would decide otherwise now', () => {
    const refused: Debit = { ...request({ txId: 'then' }), failure: 'INSUFFICIENT_FUNDS' }
    const [decision] = chargeOrders(withBalance(9_999n, refused), [request({ txId: 'now' })])
    assert.deepEqual(decision, { kind: 'repeat', debit: refused })
  })

  for (const [what, other] of [
    ['amount', { amountMinor: 1_001n }],
    ['user', { userId: 'mallory' }],
  ] as const) {
    it(`sets aside a request for the same order about another ${what}`, () => {
      const decisions = chargeOrders(withBalance(9_999n), [request(), request(other), request()])
      assert.deepEqual(
        decisions.map(({ kind }) => kind),
        ['debit', 'dead-letter', 'repeat'],
      )
      assert.ok(decisions[1]?.kind === 'dead-letter' && decisions[1].reason === 'contradiction')
    })
  }

  describe('for any balances and any batches, in any order, with any duplicates', () => {
    const users = ['alice', 'bob', 'carol', 'nobody']
    const orders = ['o1', 'o2', 'o3', 'o4', 'o5', 'o6']
    const amounts = fc.bigInt(1n, 500n)
    const balances = fc
      .tuple(fc.bigInt(0n, 1_000n), fc.bigInt(0n, 1_000n), fc.bigInt(0n, 1_000n))
      .map((found) => new Map(found.map((balance, index) => [String(users[index]), balance])))
    const requests = fc.array(
      fc.record({
        orderId: fc.constantFrom(...orders),
        userId: fc.constantFrom(...users),
        amountMinor: amounts,
      }),
      { maxLength: 40 },
    )
    /** Duplicates of what was asked for, among them. */
    const batches = fc
      .tuple(requests, fc.array(fc.nat(), { maxLength: 20 }))
      .map(([asked, again]) => [...asked, ...again.flatMap((at) => asked[at % asked.length] ?? [])])
      .chain((all) => fc.tuple(fc.shuffledSubarray(all, { minLength: all.length }), fc.nat(20)))
      .map(([all, size]) => {
        const named = all.map((one, index) => ({ ...one, txId: `tx${index}` }))
        return Array.from({ length: Math.ceil(named.length / (size + 1)) }, (_, batch) =>
          named.slice(batch * (size + 1), (batch + 1) * (size + 1)),
        )
      })

    /** What the database would hold after these batches. */
    function play(start: Map<string, bigint>, batches: ChargeRequest[][]) {
      const balances = new Map(start)
      const ledger: Debit[] = []
      const decisions = batches.flatMap((batch) => {
        const decided = new Map(ledger.map((debit) => [debit.orderId, debit]))
        const made = chargeOrders({ balances: new Map(balances), decided }, batch)
        for (const decision of made) {
          if (decision.kind !== 'debit') continue
          ledger.push(decision.debit)
          const { userId, amountMinor, failure } = decision.debit
          if (!failure) balances.set(userId, (balances.get(userId) ?? 0n) - amountMinor)
        }
        return made
      })
      return { balances, ledger, decisions }
    }
    const plays = (
      check: (
        played: ReturnType<typeof play>,
        start: Map<string, bigint>,
        asked: ChargeRequest[],
      ) => void,
    ) =>
      fc.assert(
        fc.property(balances, batches, (start, batches) =>
          check(play(start, batches), start, batches.flat()),
        ),
      )

    it('no balance becomes negative', () =>
      plays(({ balances }) => {
        for (const balance of balances.values()) assert.ok(balance >= 0n)
      }))

    it('a balance is what it was minus all successful debits', () =>
      plays(({ balances, ledger }, start) => {
        for (const [userId, before] of start) {
          const spent = ledger
            .filter((debit) => debit.userId === userId && debit.failure === null)
            .reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
          assert.equal(balances.get(userId), before - spent)
        }
      }))

    it('every order that was asked for is decided exactly once', () =>
      plays(({ ledger }, _start, asked) => {
        const decided = ledger.map(({ orderId }) => orderId).sort()
        assert.deepEqual(decided, [...new Set(asked.map(({ orderId }) => orderId))].sort())
      }))

    it('every request gets the recorded outcome of its order, or is a contradiction to it', () =>
      plays(({ ledger, decisions }, _start, asked) => {
        const recorded = new Map(ledger.map((debit) => [debit.orderId, debit]))
        assert.equal(decisions.length, asked.length)
        for (const [index, decision] of decisions.entries()) {
          const { orderId, userId, amountMinor } = asked[index] as ChargeRequest
          const debit = recorded.get(orderId)
          const agrees = debit?.userId === userId && debit.amountMinor === amountMinor
          if (decision.kind === 'dead-letter') assert.ok(!agrees)
          else assert.deepEqual([agrees, decision.debit], [true, debit])
        }
      }))

    it('only who cannot pay is refused', () =>
      plays(({ balances, ledger }) => {
        for (const { userId, amountMinor, failure } of ledger) {
          const balance = balances.get(userId)
          if (failure === 'ACCOUNT_NOT_FOUND') assert.equal(balance, undefined)
          if (failure === 'INSUFFICIENT_FUNDS') assert.ok(balance !== undefined)
          if (failure === null) assert.ok(balance !== undefined)
          // balances only fall, so whoever could pay at the end could have paid before
          if (failure === 'INSUFFICIENT_FUNDS') assert.ok((balance ?? 0n) < amountMinor)
        }
      }))
  })
})

describe('factOf', () => {
  it('tells of a success with its transaction, of a failure with its reason, and when', () => {
    const timeline = { charged_at: '2026-01-31T12:00:00.000Z' }
    const data = { order_id: 'order', user_id: 'alice', amount: '10.00', timeline }
    const paid: Debit = { ...request(), failure: null }
    assert.deepEqual(factOf(paid, '10.00', timeline), {
      type: 'PaymentSucceeded',
      data: { ...data, tx_id: 'tx' },
    })
    const refused: Debit = { ...paid, failure: 'ACCOUNT_NOT_FOUND' }
    assert.deepEqual(factOf(refused, '10.00', timeline), {
      type: 'PaymentFailed',
      data: { ...data, reason: 'ACCOUNT_NOT_FOUND' },
    })
  })
})
