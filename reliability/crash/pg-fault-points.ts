import { around, aroundHearing, isAsPlanned, reach } from './fault-points.ts'
import { channelName, isChange, nameStatement } from './name-statement.ts'
import { moduleOf, wrap } from './wrap.ts'

type Callback = (error: unknown, ...rest: unknown[]) => void

/** The last statement of a connection's transaction that changed something. */
const lastChange = new WeakMap<object, string>()

/** Every connection, every statement, and every notification that comes in. */
export function wrapPg(): void {
  const { prototype } = moduleOf('pg').Client
  wrap(prototype, 'connect', (connect, client, args) =>
    answered(`connect database${purposeOf(client)}`, connect, args),
  )
  wrap(prototype, 'query', (query, client, args) => {
    const [config, values] = args as [string | { text?: string; values?: unknown[] }, unknown[]?]
    const { text = undefined, values: given = values } =
      typeof config === 'string' ? { text: config } : config
    if (text === undefined) return query(...args)
    return answered(nameIn(client, text, given), query, args, text)
  })
  wrap(prototype, 'emit', (emit, _client, args) => {
    const [event, message] = args as [string, { channel?: string } | undefined]
    if (event !== 'notification') return emit(...args)
    return aroundHearing(`hear ${channelName(message?.channel ?? '')}`, () => emit(...args))
  })
}

/**
 * A commit is named by what it makes last: most of a process's commits are about different things.
 */
function nameIn(client: object, text: string, values?: unknown[]): string {
  const name = nameStatement(text, values)
  if (name === 'begin') lastChange.delete(client)
  if (isChange(text)) lastChange.set(client, name)
  if (name !== 'commit' && name !== 'rollback') return name
  return `${name} of ${lastChange.get(client) ?? 'nothing'}`
}

/** By promise, or, if the last argument is one, by callback. */
function answered(
  point: string,
  call: (...args: unknown[]) => unknown,
  args: unknown[],
  text?: string,
) {
  const callback = args.at(-1)
  if (typeof callback !== 'function') {
    return around(point, async () => call(...args), text).catch(asAnswer)
  }
  reach(point, 'before', text)
  const called: Callback = (error, ...rest) => {
    if (!error) reach(point, 'after', text)
    ;(callback as Callback)(error, ...rest)
  }
  return call(...args.slice(0, -1), called)
}

/**
 * What is thrown as planned is said by the server: the connection lives, and can be rolled back on.
 */
function asAnswer(error: Error): never {
  if (!isAsPlanned(error)) throw error
  const { DatabaseError } = moduleOf('pg')
  throw Object.assign(new DatabaseError(error.message, 0, 'error'), { code: '57P03' })
}

/** ` listen` for the connection that hears NOTIFY. */
const purposeOf = (client: object): string =>
  /( listen)?$/.exec(
    (client as { connectionParameters?: { application_name?: string } }).connectionParameters
      ?.application_name ?? '',
  )?.[0] ?? ''
