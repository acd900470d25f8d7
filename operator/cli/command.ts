import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What a command has to say; it decides how the program exits. */
export interface Report {
  /** False: it found something wrong. */
  isFine: boolean
  /** For `--json`. */
  json: object
  /** For people; without a newline at its end. */
  text: string
  /** Why part of it is not known: stderr says so, and the exit code is the one of what could not run. */
  trouble?: Error | undefined
}

export interface Input {
  words: string[]
  values: Record<string, string | boolean | undefined>
  env: NodeJS.ProcessEnv
}

/** One thing that an operator can ask for. */
export interface Command {
  name: string
  /** What follows the name: `ID... | --queue NAME`. */
  synopsis: string
  /** One line for the list of all commands. */
  summary: string
  /** More, for its own help. */
  details: string
  options: NonNullable<ParseArgsConfig['options']>
  run: (input: Input) => Promise<Report>
}

/** Asked for in a way that cannot be done; the message says how it can. */
export class UsageError extends Error {}

export type Request =
  | { kind: 'help'; command: Command | undefined }
  | { kind: 'run'; command: Command; input: Omit<Input, 'env'>; isJson: boolean }

/** What the arguments ask for. Throws a UsageError. */
export function parseRequest(commands: readonly Command[], args: string[]): Request {
  const first = args.find((word) => word !== '--json')
  const asksForHelp = args.includes('--help') || args.includes('-h') || first === 'help'
  const words = args.filter((word) => word !== '--json' && (word !== 'help' || !asksForHelp))
  const command = commands.find(({ name }) => name.split(' ').every((part, n) => words[n] === part))
  if (asksForHelp || words.length === 0) return { kind: 'help', command }
  if (!command) throw new UsageError(unknownCommand(commands, words))

  const { values, positionals } = parse(command, withoutName(command, args))
  const { json, ...others } = values as Input['values']
  return {
    kind: 'run',
    command,
    input: { words: positionals, values: others },
    isJson: json === true,
  }
}

/** The arguments that follow the name of a command, and the `--json` before it or within it. */
const withoutName = ({ name }: Command, args: string[]): string[] =>
  name.split(' ').reduce((left, part) => left.toSpliced(left.indexOf(part), 1), args)

function parse(command: Command, args: string[]) {
  try {
    const options = { ...command.options, json: { type: 'boolean' } } as const
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${seeHelp(command.name)}`)
  }
}

function unknownCommand(commands: readonly Command[], [first = '', second]: string[]): string {
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  const said = group.length > 0 && second ? `${first} ${second}` : first
  const choices = (group.length > 0 ? group : commands).map(({ name }) => name)
  const what = group.length > 0 && !second ? `${first} what?` : `There is no command ${said}.`
  return `${what} Choose from: ${choices.join(', ')}\n${seeHelp()}`
}

export const seeHelp = (name = ''): string => `See npm run operator -- ${name}${name && ' '}--help`

export function helpOf(command: Command): string {
  return `npm run operator -- ${command.name} ${command.synopsis} [--json]\n\n${command.details}`
}

export function helpOfAll(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `npm run operator -- COMMAND [--json]          (docker compose run --rm operator COMMAND)

${lines.join('\n')}

COMMAND --help says more of each. Exit code: 0 fine, 1 found something wrong, 2 could not run.

Where things are: AMQP_URL, ORDERS_DATABASE_URL, PAYMENTS_DATABASE_URL in the environment (or .env);
without them, the local stack that is running (LOCAL_DIR, .local).`
}

/** A whole number from an option; the fallback when it was not given. */
export function wholeNumber(
  values: Input['values'],
  name: string,
  { min, fallback }: { min: number; fallback: number },
): number {
  const text = values[name]
  if (text === undefined) return fallback
  const number = /^\d{1,9}$/.test(String(text)) ? Number(text) : Number.NaN
  if (number >= min) return number
  throw new UsageError(`--${name} takes a whole number of at least ${min}, got "${text}"`)
}

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `5m`, `2h`, `500ms`; a bare number means seconds. */
export function duration(values: Input['values'], name: string, fallbackMs: number): number {
  const text = values[name]
  if (text === undefined) return fallbackMs
  const [, number, unit = 's'] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(String(text)) ?? []
  if (number) return Number(number) * unitsMs[unit as keyof typeof unitsMs]
  throw new UsageError(`--${name} takes a time such as 60s, 5m or 2h, got "${text}"`)
}

/** What only the broker can tell; null, and why, when it does not. */
export const orTrouble = <T>(asking: Promise<T>): Promise<{ known: T | null; trouble?: Error }> =>
  asking.then(
    (known) => ({ known }),
    (trouble: Error) => ({ known: null, trouble }),
  )

/** For a command that takes options only. */
export function refuseWords(name: string, [word]: string[]): void {
  if (word !== undefined) throw new UsageError(`What is "${word}"? ${seeHelp(name)}`)
}
