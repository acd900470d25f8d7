import assert from 'node:assert/strict'
import { formatAmount, parseAmount } from './money.js'

describe('parseAmount', () => {
  for (const [typed, amount] of [
    ['12.50', '12.50'],
    [' 12,5 ', '12.5'],
    ['0.01', '0.01'],
    ['9999999999999999.99', '9999999999999999.99'],
  ] as const) {
    it(`takes "${typed}"`, () => assert.equal(parseAmount(typed), amount))
  }

  for (const typed of [
    '',
    '0',
    '0.00',
    '-1',
    '+1',
    '1e3',
    '.5',
    '5.',
    '007',
    '1,000',
    '1.005',
    '1 0',
  ]) {
    it(`refuses "${typed}"`, () => assert.equal(parseAmount(typed), undefined))
  }

  it('refuses a seventeenth digit', () => assert.equal(parseAmount('1'.repeat(17)), undefined))
})

describe('formatAmount', () => {
  for (const [amount, shown] of [
    ['0.00', '0.00'],
    ['999.90', '999.90'],
    ['1234.50', '1 234.50'],
    ['9999999999999999.99', '9 999 999 999 999 999.99'],
  ] as const) {
    it(`shows ${amount} to the cent`, () =>
      assert.equal(formatAmount(amount).replaceAll('\u2009', ' '), shown))
  }
})
