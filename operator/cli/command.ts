import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { Caller } from './addresses.ts'

/** The result of a command, which decides the exit code. */
export interface Report {
  /** False when the command found something wrong. */
  isFine: boolean
  /** The output with `--json`. */
  json: object
  /** The output without `--json`; without a newline at its end. */
  text: string
  /** Why a part of the result is unknown: printed to stderr, and the exit code is 2. */
  error?: Error | undefined
}

/** What was given on the command line. */
export interface Given {
  positionals: string[]
  values: Record<string, string | boolean | undefined>
}

export interface Input extends Given, Caller {}

/** A command of the operator. */
export interface Command {
  name: string
  /** The arguments after the name: `ID... | --queue NAME`. */
  synopsis: string
  /** One line for the list of all commands. */
  summary: string
  /** The text of its own help. */
  details: string
  options: NonNullable<ParseArgsConfig['options']>
  /** Whether it changes anything, and so needs the role that may. */
  acts?: (given: Given) => boolean
  run: (input: Input) => Promise<Report>
}

/** Invalid usage; the message says what is valid. */
export class UsageError extends Error {}

export type Request =
  | { kind: 'help'; command: Command | undefined }
  | { kind: 'run'; command: Command; input: Given; isJson: boolean }

/** Parses the arguments. Throws a UsageError. */
export function parseRequest(commands: readonly Command[], args: string[]): Request {
  const first = args.find((arg) => arg !== '--json')
  const isHelp = args.includes('--help') || args.includes('-h') || first === 'help'
  const words = args.filter((arg) => arg !== '--json' && (arg !== 'help' || !isHelp))
  const command = commands.find(({ name }) => name.split(' ').every((part, n) => words[n] === part))
  if (isHelp || words.length === 0) return { kind: 'help', command }
  if (!command) throw new UsageError(unknownCommand(commands, words))

  const { values, positionals } = parse(command, withoutName(command, args))
  const { json, ...others } = values as Input['values']
  return {
    kind: 'run',
    command,
    input: { positionals, values: others },
    isJson: json === true,
  }
}

/** The arguments without the name of the command; a `--json` before or within the name stays. */
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
  const choices = (group.length > 0 ? group : commands).map(({ name }) => name)
  const unknown = group.length > 0 && second ? `${first} ${second}` : first
  const problem =
    group.length > 0 && !second ? `${first} needs a subcommand.` : `Unknown command: ${unknown}.`
  return `${problem} Choose from: ${choices.join(', ')}\n${seeHelp()}`
}

export const seeHelp = (name = ''): string => `See npm run operator -- ${name}${name && ' '}--help`

export function helpOf(command: Command): string {
  const usage = [command.name, command.synopsis, '[--json]'].filter(Boolean).join(' ')
  return `npm run operator -- ${usage}\n\n${command.details}`
}

export function helpOfAll(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `npm run operator -- COMMAND [--json]          (docker compose run --rm operator COMMAND)

${lines.join('\n')}

COMMAND --help explains a command. Exit code: 0 fine, 1 found something wrong, 2 could not run.

Addresses: AMQP_URL, ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL in the environment or .env;
without them, those of the running local stack (in LOCAL_DIR, .local by default).`
}

/** The whole number of an option; the fallback without the option. */
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

/** The milliseconds of `90s`, `5m`, `2h`, `500ms`; a number without a unit means seconds. */
export function duration(values: Input['values'], name: string, fallbackMs: number): number {
  const text = values[name]
  if (text === undefined) return fallbackMs
  const [, number, unit = 's'] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(String(text)) ?? []
  if (number) return Number(number) * unitsMs[unit as keyof typeof unitsMs]
  throw new UsageError(`--${name} takes a time such as 60s, 5m or 2h, got "${text}"`)
}

/** The result of a call to the broker; null, with the error, when the call rejects. */
export const orUnavailable = <T>(call: Promise<T>): Promise<{ result: T | null; error?: Error }> =>
  call.then(
    (result) => ({ result }),
    (error: Error) => ({ result: null, error }),
  )

/** Throws a UsageError when a command that takes only options has another argument. */
export function rejectPositionals(name: string, [first]: string[]): void {
  if (first !== undefined) {
    throw new UsageError(`${name} takes no argument "${first}". ${seeHelp(name)}`)
  }
}
