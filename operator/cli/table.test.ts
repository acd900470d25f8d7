import assert from 'node:assert/strict'
import { table } from './table.ts'

describe('table', () => {
  it('makes each column as wide as its widest cell', () => {
    const rows = [
      ['one', 1],
      ['', null],
    ]
    assert.equal(table(['KIND', 'COUNT'], rows), 'KIND  COUNT\none   1\n-     -')
  })

  it('takes as many rows as reconcile may find', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => ['debit-without-order', n])
    assert.equal(table(['KIND', 'COUNT'], rows).split('\n').length, 200_001)
  })
})
