import { readFileSync } from 'node:fs'

/**
 * A variable of the environment. `parse` throws an Error whose message continues the name, such as
 * `must be …`.
 */
export interface Variable<T> {
  name: string
  /** The name in an earlier version, read when the new name is missing. */
  formerName?: string
  fallback?: T
  /** A secret may be in the file that `NAME_FILE` names instead. */
  isSecret?: true
  parse: (text: string) => T
}

/**
 * Reads the configuration from the environment, a secret also from the file that `NAME_FILE` names.
 *
 * Throws one Error that lists every missing or wrong variable by name, so that all of them can be
 * corrected at once. An empty variable counts as missing. Values of URLs are never repeated in the
 * message: they hold passwords.
 */
export function readConfig<T extends Record<string, unknown>>(
  env: NodeJS.ProcessEnv,
  variables: { [K in keyof T]: Variable<T[K]> },
): T {
  const values: Partial<T> = {}
  const faults: string[] = []
  for (const field of Object.keys(variables) as (keyof T)[]) {
    const { formerName = '', fallback, parse, ...variable } = variables[field]
    const isFormer = !isGiven(env, variable.name) && isGiven(env, formerName)
    const name = isFormer ? formerName : variable.name
    try {
      const text = variable.isSecret ? secretOf(env, name) : env[name]?.trim()
      if (text) values[field] = parse(text)
      else if (fallback !== undefined) values[field] = fallback
      else faults.push(`${name} is missing`)
    } catch (error) {
      faults.push(`${name} ${(error as Error).message}`)
    }
  }
  if (faults.length > 0) throw new Error(`Cannot start:\n  ${faults.join('\n  ')}`)
  return values as T
}

const fileVariable = (name: string): string => `${name}_FILE`

/** Whether the environment has a secret, or names a file for it. */
export const isGiven = (env: NodeJS.ProcessEnv, name: string): boolean =>
  [name, fileVariable(name)].some((one) => env[one]?.trim())

/** A secret for an environment that extends another one, which may name a file for it. */
export const overriding = (name: string, value: string): NodeJS.ProcessEnv => ({
  [name]: value,
  [fileVariable(name)]: undefined,
})

/** The text of a secret, without the spaces and newlines around it. */
function secretOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const own = env[name]?.trim()
  const path = env[fileVariable(name)]?.trim()
  if (!path) return own
  if (own) throw new Error(`and ${fileVariable(name)} are both set: only one of them counts`)
  const text = textIn(path, fileVariable(name))
  if (text !== '') return text
  throw new Error(`is empty in ${named(path)} (${fileVariable(name)})`)
}

function textIn(path: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`cannot be read from ${named(path)} (${variable}): ${code}`)
  }
}

/** The value itself may stand, by mistake, where its path should: it is not repeated. */
const named = (path: string): string => (/^\.{0,2}\//.test(path) ? path : 'its file')

export const text = (name: string, fallback?: string): Variable<string> =>
  optional(fallback, { name, parse: (value) => value })

export const integer = (
  name: string,
  { min = 0, max = 2_147_483_647, fallback }: { min?: number; max?: number; fallback?: number },
): Variable<number> =>
  optional(fallback, {
    name,
    parse: (value) => {
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
      if (number >= min && number <= max) return number
      throw new Error(`must be a whole number from ${min} to ${max}, got ${JSON.stringify(value)}`)
    },
  })

export const oneOf = <T extends string>(
  name: string,
  choices: readonly T[],
  fallback?: T,
): Variable<T> =>
  optional(fallback, {
    name,
    parse: (value) => {
      const choice = choices.find((candidate) => candidate === value)
      if (choice !== undefined) return choice
      throw new Error(`must be one of ${choices.join(', ')}, got ${JSON.stringify(value)}`)
    },
  })

/** The lowest level that a process logs. */
export const logLevel = oneOf(
  'LOG_LEVEL',
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
  'info',
)

/** `off`: callers name themselves. `jwt`: a token says who calls. */
export const authMode = oneOf('AUTH_MODE', ['off', 'jwt'], 'off')
export type AuthMode = 'off' | 'jwt'

/** Whether the gateway passes on to the operator's page, and whether that one may act. */
export const operatorPage = oneOf('OPERATOR_PAGE', ['off', 'look', 'act'], 'off')
export const operatorPagePort = integer('OPERATOR_PAGE_PORT', { max: 65_535, fallback: 8_090 })

/** A text that nobody else may know. */
export const secret = (name: string): Variable<string> => ({ ...text(name), isSecret: true })

export const httpUrl = (name: string): Variable<string> => url(name, ['http:', 'https:'])

/** A URL of one of these protocols (`https:`), whose login can be decoded. */
export const url = (name: string, protocols: string[]): Variable<string> => ({
  name,
  parse: (value) => {
    if (!isPlain(value)) throw new Error(`must have ${encodedLogin}`)
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
    const what = `must be a URL that starts with ${protocols.join('// or ')}//`
    throw new Error(value.includes('@') ? `${what} and has ${encodedLogin}` : what)
  },
})

const encodedLogin =
  'the special characters of user name and password percent-encoded: # is %23, % %25, / %2F, : %3A, ? %3F, @ %40'

/**
 * Whether user name and password can be decoded, and end before the host. A raw `/`, `?` or `#` in
 * the password would end the host: then an `@` follows.
 */
function isPlain(url: string): boolean {
  const [, authority = '', rest = ''] = /^[^:]*:\/*([^/?#]*)(.*)$/s.exec(url) ?? []
  return !rest.includes('@') && isUtf8(authority)
}

function isUtf8(encoded: string): boolean {
  try {
    decodeURIComponent(encoded)
    return true
  } catch {
    return false
  }
}

function optional<T>(fallback: T | undefined, variable: Variable<T>): Variable<T> {
  return fallback === undefined ? variable : { ...variable, fallback }
}
