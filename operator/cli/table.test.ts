import assert from 'node:assert/strict'
import { table } from './table.ts'

describe('table', () => {
  it('makes columns as wide as they need to be', () => {
    const rows = [
      ['one', 1],
      ['', null],
    ]
    assert.equal(table(['WHAT', 'HOW'], rows), 'WHAT  HOW\none   1\n-     -')
  })

  it('takes as many rows as there may be findings', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => ['debit-without-order', n])
    assert.equal(table(['WHAT', 'HOW'], rows).split('\n').length, 200_001)
  })
})
