/** The AMQP codes of a refused declaration. */
export const refusal = { notAllowed: 403, notFound: 404, otherArguments: 406 } as const

/** A queue or exchange that exists with another argument than the declared one. */
interface OtherArgument {
  kind: string
  name: string
  argument: string
  ours: string
  theirs: string
}

const inequivalent =
  /inequivalent arg '(?<argument>[^']+)' for (?<kind>queue|exchange) '(?<name>[^']+)' in vhost .*?: received (?<ours>.+?) but current is (?<theirs>.+?)"?$/

/** Parsed from the error message of RabbitMQ; undefined for another message. */
export const otherArgumentOf = ({ message }: Error): OtherArgument | undefined =>
  inequivalent.exec(message)?.groups as OtherArgument | undefined

/** The same error, with a message that says what to do. */
export function explained(error: Error & { code?: unknown }): Error {
  const other = otherArgumentOf(error)
  if (other) return Object.assign(error, { message: otherArgument(other, error.message) })
  const advice = isRefused(error, refusal.notFound)
    ? missing
    : lacksDefaultExchange(error)
      ? ownerless
      : isRefused(error, refusal.notAllowed)
        ? forbidden
        : ''
  return advice
    ? Object.assign(error, { message: `${advice} RabbitMQ says: ${error.message}` })
    : error
}

const otherArgument = ({ kind, name, argument, ours, theirs }: OtherArgument, message: string) =>
  `The ${kind} ${name} exists with ${argument} ${theirs}, where ${ours} is needed: ` +
  (kind === 'queue' ? `npm run operator -- queue move ${name} moves it, see ` : 'see ') +
  `"A queue or exchange with other arguments" in docs/operator.md. RabbitMQ says: ${message}`

const missing =
  'Something that is needed does not exist, and this user may not configure it: declare it as an administrator, or give the user the right to configure.'

/**
 * Whether this user may not create a queue that dead-letters to the default exchange; for one that
 * exists the broker asks for no such permission.
 */
export const lacksDefaultExchange = (error: Error): boolean =>
  isRefused(error, refusal.notAllowed) && /access to exchange 'amq\.default'/.test(error.message)

const ownerless =
  'A queue that is needed does not exist, and this user may not create it: a consumer does so when it connects.'

const forbidden =
  'This user has not the rights that are needed: see "Rights of the user in RabbitMQ" in docs/operator.md.'

export const isRefused = (error: unknown, code: number): boolean =>
  (error as { code?: unknown }).code === code
