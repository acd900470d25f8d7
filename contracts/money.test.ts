import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatMoney, MAX_MINOR, parseMoney } from './money.ts'

describe('parseMoney', () => {
  it('reads back whatever formatMoney wrote, for every amount there is', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_MINOR), (minor) => {
        assert.equal(parseMoney(formatMoney(minor)), minor)
      }),
    )
  })

  for (const [text, minor] of [
    ['10', 1000n],
    ['10.5', 1050n],
    ['10.50', 1050n],
    ['0.01', 1n],
    ['9999999999999999.99', MAX_MINOR],
  ] as const) {
    it(`takes ${text}`, () => assert.equal(parseMoney(text), minor))
  }

  for (const text of [
    '',
    ' 1',
    '1 ',
    '-1',
    '+5',
    '.5',
    '5.',
    '007',
    '00.10',
    '1e1',
    '1.000',
    '0x10',
    '1,000.00',
    '١٢',
    'NaN',
    'Infinity',
    '10000000000000000',
    '1\n',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseMoney(text), undefined))
  }
})
