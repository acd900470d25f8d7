import assert from 'node:assert/strict'
import { formatAmount, parseAmount } from './money.ts'

describe('parseAmount', () => {
  for (const [typed, amount] of [
    ['12.50', '12.50'],
    [' 12,5 ', '12.50'],
    ['7', '7.00'],
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
  for (const [amount, locale, shown] of [
    ['0.00', 'en-US', '0.00'],
    ['999.90', 'de-DE', '999,90'],
    ['1234.50', 'de-DE', '1.234,50'],
    ['9999999999999999.99', 'en-US', '9,999,999,999,999,999.99'],
    ['9007199254740993.01', 'en-US', '9,007,199,254,740,993.01'],
  ] as const) {
    it(`shows ${amount} to the cent in ${locale}`, () =>
      assert.equal(formatAmount(amount, locale), shown))
  }
})
