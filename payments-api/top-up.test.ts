import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MAX_VERSION } from '#contracts/account-version.ts'
import { MAX_MINOR } from '#contracts/money.ts'
import { topUp } from './top-up.ts'

describe('topUp', () => {
  it('credits the amount, one version on', () => {
    const account = { balanceMinor: 1_000n, version: 7 }
    const credited = { kind: 'credit', balanceMinor: 1_250n, version: 8 }
    assert.deepEqual(topUp(account, 250n, MAX_MINOR), credited)
  })

  it('begins again at 0 after the last version', () => {
    const last = { balanceMinor: 0n, version: MAX_VERSION }
    const credited = { kind: 'credit', balanceMinor: 1n, version: 0 }
    assert.deepEqual(topUp(last, 1n, MAX_MINOR), credited)
  })

  it('fills an account to the last cent, and not beyond', () => {
    const account = { balanceMinor: MAX_MINOR - 1n, version: 0 }
    assert.equal(topUp(account, 1n, MAX_MINOR).kind, 'credit')
    assert.deepEqual(topUp(account, 2n, MAX_MINOR), { kind: 'refuse', because: 'balance-limit' })
  })

  it('never exceeds what an account can hold, and refuses only what would', () => {
    const balances = fc.bigInt(0n, MAX_MINOR)
    const amounts = fc.oneof(fc.bigInt(1n, 100n), fc.bigInt(1n, MAX_MINOR))
    fc.assert(
      fc.property(balances, amounts, (balanceMinor, amountMinor) => {
        const decision = topUp({ balanceMinor, version: 0 }, amountMinor, MAX_MINOR)
        const fits = balanceMinor + amountMinor <= MAX_MINOR
        assert.equal(decision.kind, fits ? 'credit' : 'refuse')
        if (decision.kind === 'credit') {
          assert.equal(decision.balanceMinor - balanceMinor, amountMinor)
        }
      }),
    )
  })
})
