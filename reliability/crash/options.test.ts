import assert from 'node:assert/strict'
import { commandOf, parseOptions } from './options.ts'

const parse = (...args: string[]) => parseOptions(args, ['no-inbox', 'everything'])

describe('the options of the crash runs', () => {
  it('are those that were given, and the usual for the others', () => {
    assert.deepEqual(parse('--pairs', '--minutes', '0.5'), {
      ...{ work: 'pairs', seed: 1, minutes: 0.5, only: [], markdown: undefined },
    })
    assert.deepEqual(parse('--mutants', '--only', 'no-inbox')?.only, ['no-inbox'])
  })

  it('name a scenario so that a shell takes it for one word', () => {
    const options = parseOptions(['--mutants', '--only', 'a b'], ['a b'])
    assert.equal(options && commandOf(options), "npm run crash -- --mutants --only 'a b'")
  })

  it('may ask for help', () => assert.equal(parse('--help'), undefined))

  for (const [args, named] of [
    ['--fault-points --markdown x.md', '--fault-points'],
    ['--pairs --seed 7', '--pairs --seed 7 --minutes 10'],
    ['--mutants --only no-inbox --only everything', '--mutants --only no-inbox --only everything'],
  ] as const) {
    it(`make of "${args}" the command that a table names`, () => {
      const options = parse(...args.split(' '))
      assert.equal(options && commandOf(options), `npm run crash -- ${named}`)
    })
  }

  for (const [args, complaint] of [
    ['', /one of --fault-points/],
    ['--fault-points --pairs', /one of --fault-points/],
    ['--mutants --only no-such', /got "no-such"/], // it would be green, having tried nothing
    ['--fault-points --only no-inbox', /goes with --mutants/],
    ['--pairs --seed x', /--seed takes a whole number/],
    ['--pairs --minutes 0', /--minutes takes a number above 0/],
    ['--pair', /--pair/],
  ] as const) {
    it(`refuses "${args}"`, () =>
      assert.throws(() => parse(...args.split(' ').filter(Boolean)), complaint))
  }
})
