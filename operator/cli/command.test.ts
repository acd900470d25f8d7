import assert from 'node:assert/strict'
import {
  type Command,
  duration,
  helpOf,
  helpOfAll,
  parseRequest,
  type Request,
  UsageError,
  wholeNumber,
} from './command.ts'

const command = (name: string): Command => ({
  name,
  synopsis: '[--limit N]',
  summary: `${name} in short`,
  details: `${name} at length`,
  options: { limit: { type: 'string' }, all: { type: 'boolean' } },
  run: async () => ({ isFine: true, json: {}, text: '' }),
})
const commands = [command('status'), command('dlq list'), command('dlq show')]
const parse = (line: string) => parseRequest(commands, line.split(' ').filter(Boolean))

describe('parseRequest', () => {
  it('finds a command of one word or two, its options and its positionals', () => {
    assert.deepEqual(parse('dlq show one two --limit 3 --json'), {
      kind: 'run',
      command: commands[2],
      input: { positionals: ['one', 'two'], values: { limit: '3' } },
      isJson: true,
    })
    assert.equal((parse('status') as { isJson: boolean }).isJson, false)
  })

  for (const line of ['--json dlq list --all', 'dlq --json list --all', 'dlq list --all --json']) {
    it(`takes --json in every place: "${line}"`, () => {
      assert.deepEqual(parse(line), {
        kind: 'run',
        command: commands[1],
        input: { positionals: [], values: { all: true } },
        isJson: true,
      })
    })
  }

  it('takes --json as a positional after --, and never as the value of an option', () => {
    const { input, isJson } = parse('dlq show -- --json') as Extract<Request, { kind: 'run' }>
    assert.deepEqual([input.positionals, isJson], [['--json'], false])
    assert.throws(() => parse('dlq list --limit --json 5'), UsageError)
  })

  for (const line of ['', '--help', 'help', 'dlq --help', '--json', '--json help']) {
    it(`shows the list of commands for "${line}"`, () => {
      assert.deepEqual(parse(line), { kind: 'help', command: undefined })
    })
  }

  for (const line of ['dlq list --help', 'help dlq list', 'dlq --json list --limit 3 -h']) {
    it(`shows the help of a command for "${line}"`, () => {
      assert.deepEqual(parse(line), { kind: 'help', command: commands[1] })
    })
  }

  for (const [line, sentence] of [
    ['fly', /Unknown command: fly\. Choose from: status, dlq list, dlq show/],
    ['--json fly', /Unknown command: fly\./],
    ['--jsn status', /Unknown command: --jsn\./],
    ['dlq', /dlq needs a subcommand\. Choose from: dlq list, dlq show/],
    ['dlq fly', /Unknown command: dlq fly\. Choose from: dlq list, dlq show/],
    ['status --what', /--what/],
    ['status --limit', /--limit/],
  ] as const) {
    it(`refuses "${line}" and names the choices`, () => {
      assert.throws(() => parse(line), UsageError)
      assert.throws(() => parse(line), sentence)
    })
  }
})

describe('the help', () => {
  it('names every command, and every exit code', () => {
    const help = helpOfAll(commands)
    for (const { name, summary } of commands) assert.ok(help.includes(`${name}`) && summary)
    assert.match(help, /0 fine, 1 found something wrong, 2 could not run/)
  })

  it('of a command shows its usage', () => {
    assert.match(
      helpOf(command('dlq list')),
      /^npm run operator -- dlq list \[--limit N\] \[--json\]/,
    )
  })
})

describe('wholeNumber and duration', () => {
  it('parse valid texts', () => {
    assert.equal(wholeNumber({ limit: '7' }, 'limit', { min: 1, fallback: 3 }), 7)
    assert.equal(wholeNumber({}, 'limit', { min: 1, fallback: 3 }), 3)
    const times = ['90s', '5m', '2h', '500ms', '7', '1d'].map((time) =>
      duration({ time }, 'time', 0),
    )
    assert.deepEqual(times, [90_000, 300_000, 7_200_000, 500, 7_000, 86_400_000])
    assert.equal(duration({}, 'time', 60_000), 60_000)
  })

  for (const text of ['0', '-1', '1.5', 'x', '', '1e3']) {
    it(`refuse "${text}" with a message`, () => {
      const refusal = /--limit takes a whole number of at least 1/
      assert.throws(() => wholeNumber({ limit: text }, 'limit', { min: 1, fallback: 1 }), refusal)
      if (text !== '0') assert.throws(() => duration({ t: text }, 't', 1), /--t takes a time such/)
    })
  }
})
