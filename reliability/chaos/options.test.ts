import assert from 'node:assert/strict'
import { cells } from './cells/all.ts'
import { commandOf } from './command.ts'
import { parseOptions, usage } from './options.ts'

const names = cells.map(({ name }) => name)
const parse = (line: string) => parseOptions(line.split(' ').filter(Boolean), names)

describe('the options of the chaos runs', () => {
  it('name cells, those with a number and those without', () => {
    assert.deepEqual(parse('--only long-outage --only X6').only, ['long-outage', 'x6'])
    assert.deepEqual(parse('').only, [])
  })

  for (const [line, complaint] of [
    ['--only x20', /got x20/], // of the catalogue, and no cell
    ['--payment-request-retry perhaps', /takes on or off/],
    ['--count 0', /--count takes a whole number/],
    ['--cells', /--cells/],
  ] as const) {
    it(`refuse "${line}"`, () => assert.throws(() => parse(line), complaint))
  }
})

describe('the cells', () => {
  it('are in the order of their names, those without a number last', () => {
    const nameless = names.findIndex((name) => !/^x\d/.test(name))
    assert.deepEqual([names[0], names[nameless - 1], names[nameless]], ['x3', 'x19', 'long-outage'])
    assert.ok(names.slice(nameless).every((name) => usage.includes(name)))
    assert.equal(new Set(names).size, cells.length)
  })
})

describe('the command that a report names', () => {
  const x6 = { name: 'x6', count: 1 }

  for (const [given, named] of [
    ['--only x6', '--only x6'],
    ['--only x6 --count 1', '--only x6'],
    ['--only x5 --only x6 --count 10 --seed 4', '--only x6 --count 10 --seed 4'],
  ] as const) {
    it(`is, for a cell of "${given}", "${named}"`, () => {
      assert.equal(commandOf(parse(given), x6), `npm run chaos -- ${named}`)
    })
  }

  it('has of a random run all that draws its faults, and what of the load is not as usual', () => {
    const always = 'npm run chaos -- --seed 7 --minutes 5'
    assert.equal(commandOf(parse('--seed 7')), `${always} --payment-request-retry on`)
    assert.equal(
      commandOf(parse('--seed 7 --users 9 --haste 2 --payment-request-retry off --markdown x.md')),
      `${always} --payment-request-retry off --users 9 --haste 2`,
    )
  })
})
