import assert from 'node:assert/strict'
import type { FinalState } from '../judge/final-state.ts'
import { TopUps } from './top-ups.ts'

const answer = JSON.stringify({ user_id: 'alice', balance: '1.50', version: 1, tx_id: 't1' })
const answered = (body = answer) => ({ answers: [{ status: 200, headers: {}, body, size: 1 }] })
const sent = 'POST /accounts/alice/topup HTTP/1.1\r\n\r\n{"amount": 1.5}'
const entry = {
  ...{ tx_id: 't1', order_id: null, user_id: 'alice', type: 'TOPUP', amount: '1.50' },
  ...{ status: 'SUCCESS', reason: null, created_at: new Date() },
} as FinalState['ledger'][number]
const state = (balance: string, ...ledger: FinalState['ledger']): FinalState => ({
  ...{ orders: [], accounts: [{ user_id: 'alice', balance }], ledger },
  ...{ keys: [], owed: {}, deadLetters: [] },
})

describe('the money of the fuzzer', () => {
  it('is right when the ledger has what was answered', () => {
    const topUps = new TopUps()
    topUps.note(sent, answered())
    assert.deepEqual(topUps.faults(state('1.50', entry)), [])
  })

  it('is wrong when a balance, an entry or an amount is another one', () => {
    const topUps = new TopUps()
    topUps.note(sent, answered())
    const stray = { ...entry, tx_id: 't2' }
    for (const wrong of [
      state('1.51', entry),
      state('1.00', { ...entry, amount: '1.00' }),
      state('0.00'),
      state('3.00', entry, stray),
    ]) {
      assert.match(topUps.faults(wrong).join(), /^makes money: /)
    }
  })

  it('may have moved once for each request without an answer', () => {
    const topUps = new TopUps()
    topUps.note(sent, { answers: [] })
    assert.deepEqual(topUps.faults(state('1.50', entry)), [])
    const twice = state('3.00', entry, { ...entry, tx_id: 't2' })
    assert.equal(topUps.faults(twice).length, 2)
  })
})
