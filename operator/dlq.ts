import { atDesk, type Desk } from '#chassis/broker/desk.ts'
import { integer, readConfig } from '#chassis/config.ts'
import { findAddresses } from './addresses.ts'
import {
  type Command,
  type Input,
  type Report,
  refuseWords,
  seeHelp,
  UsageError,
  wholeNumber,
} from './command.ts'
import {
  discardLetters,
  listLetters,
  type Moved,
  type Moving,
  openLetters,
  redriveLetters,
} from './dead-letters.ts'
import type { LetterSummary } from './letter.ts'
import { consumerQueues } from './mail.ts'
import { counted, printable, shortened, span, table } from './text.ts'

const listLimit = 100

const queueOption = `  --queue NAME   only the letters of ${consumerQueues.join(' or ')}`
const selection = `  ID...          the letters with these ids
${queueOption}
  --all          all of both
  --limit N      at most so many
  --rate N       at most so many a second
  --dry-run      changes nothing, says what would be done`

const movingOptions = {
  queue: { type: 'string' },
  all: { type: 'boolean' },
  limit: { type: 'string' },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

const list: Command = {
  name: 'dlq list',
  synopsis: '[--queue NAME] [--limit N]',
  summary: 'what could not be handled, and why',
  details: `Lists the dead letters, the oldest first, and leaves each in its place.

${queueOption}
  --limit N      at most so many (${listLimit}); 0 for all`,
  options: { queue: { type: 'string' }, limit: { type: 'string' } },
  run: async ({ words, values, env }) => {
    refuseWords('dlq list', words)
    const limit = wholeNumber(values, 'limit', { min: 0, fallback: listLimit }) || Infinity
    const wanted = { queues: queuesFrom(values), limit }
    const listed = await withDesk(env, (desk) => listLetters(desk, wanted))
    const left = listed.total - listed.letters.length
    const more = left > 0 ? [`and ${left} more: --limit 0 lists all`] : []
    const text = listed.total === 0 ? 'No dead letters.' : lettersTable(listed.letters)
    return { isFine: true, json: listed, text: [text, ...more].join('\n') }
  },
}

const show: Command = {
  name: 'dlq show',
  synopsis: 'ID [--queue NAME]',
  summary: 'one of them with its headers and body',
  details: `Shows all headers, all properties and the body of the letters with an id, and leaves them in
their place. The same message may have been parked twice: then there are two of them.

${queueOption}`,
  options: { queue: { type: 'string' } },
  run: async ({ words, values, env }) => {
    const [id] = words
    if (!id || words.length > 1) throw new UsageError(`Show which one? ${seeHelp('dlq show')}`)
    const wanted = { queues: queuesFrom(values), ids: new Set([id]), limit: Infinity }
    const letters = await withDesk(env, (desk) => openLetters(desk, wanted))
    const text = letters.map(({ headers, properties, body, body_base64, ...facts }) =>
      [
        ...section(facts),
        'headers',
        ...section(headers, '  '),
        'properties',
        ...section(properties, '  '),
        body_base64 === null ? 'body' : 'body, in base64',
        printable(body ?? body_base64 ?? ''),
      ].join('\n'),
    )
    const none = `There is no dead letter ${id}. See npm run operator -- dlq list`
    return { isFine: letters.length > 0, json: { letters }, text: text.join('\n\n') || none }
  },
}

const redrive: Command = {
  name: 'dlq redrive',
  synopsis: '(ID... | --queue NAME | --all) [--limit N] [--rate N] [--dry-run]',
  summary: 'sends them to their consumer again',
  details: `Sends letters to the queue of the consumer that could not handle them: same id, same body. Each is
taken out of the dead letters only when RabbitMQ has confirmed the copy. Interrupted at any point,
nothing is lost; what is there twice has one effect, because the inbox knows its id.

${selection}

The inbox is what tells a repetition, as long as it remembers: INBOX_RETENTION_DAYS, 30 by default.
Of older events the output says that only the ledger (UNIQUE (order_id, type)), or the final status
of the order, stands between them and a second effect.`,
  options: movingOptions,
  run: async (input) => {
    const moving = movingFrom('dlq redrive', input)
    const { days } = readConfig(input.env, { days: inboxRetentionDays })
    const moved = await withDesk(input.env, (desk) =>
      redriveLetters(desk, { ...moving, inboxRetentionMs: days * 86_400_000 }),
    )
    return movedReport(moved, moving, { done: 'Redriven', would: 'Would redrive' })
  },
}

const discard: Command = {
  name: 'dlq discard',
  synopsis: '(ID... | (--queue NAME | --all) --yes) [--limit N] [--rate N] [--dry-run]',
  summary: 'takes them away for good',
  details: `Takes letters away for good: nothing keeps a copy (see dlq show).

${selection}
  --yes          needed for --queue and --all`,
  options: { ...movingOptions, yes: { type: 'boolean' } },
  run: async (input) => {
    const moving = movingFrom('dlq discard', input)
    if (!moving.ids && !moving.dryRun && !input.values.yes) {
      throw new UsageError('Discarding without naming ids needs --yes: it cannot be undone')
    }
    const moved = await withDesk(input.env, (desk) => discardLetters(desk, moving))
    return movedReport(moved, moving, { done: 'Discarded', would: 'Would discard' })
  },
}

export const deadLetterCommands: Command[] = [list, show, redrive, discard]

/** How long an inbox knows an event for certain. It is not pruned yet; one day it will be. */
const inboxRetentionDays = integer('INBOX_RETENTION_DAYS', { min: 1, max: 36_500, fallback: 30 })

const withDesk = <T>(env: NodeJS.ProcessEnv, work: (desk: Desk) => Promise<T>): Promise<T> =>
  atDesk(findAddresses(env, 'amqp').amqp, work)

/** By the name of the consumer, or of its dead-letter queue. */
function queuesFrom({ queue }: Input['values']): readonly string[] {
  if (queue === undefined) return consumerQueues
  const name = String(queue).replace(/\.dlq$/, '')
  if (consumerQueues.includes(name)) return [name]
  throw new UsageError(`--queue takes ${consumerQueues.join(' or ')}, got "${queue}"`)
}

function movingFrom(name: string, { words, values }: Input): Moving {
  const ways = [words.length > 0, values.queue !== undefined, values.all === true]
  if (!ways.includes(true)) throw new UsageError(`Which ones? ${seeHelp(name)}`)
  if (values.all && (ways[0] || ways[1])) {
    throw new UsageError(`--all goes with neither ids nor --queue. ${seeHelp(name)}`)
  }
  return {
    queues: queuesFrom(values),
    ids: words.length > 0 ? new Set(words) : undefined,
    limit: wholeNumber(values, 'limit', { min: 1, fallback: Infinity }),
    rate: wholeNumber(values, 'rate', { min: 1, fallback: Infinity }),
    dryRun: values['dry-run'] === true,
  }
}

function movedReport(
  moved: Moved,
  { ids, dryRun }: Moving,
  { done, would }: { done: string; would: string },
): Report {
  const found = new Set(moved.letters.map(({ id }) => id))
  const missing = [...(ids ?? [])].filter((id) => !found.has(id))
  const { length: old } = moved.beyond_inbox
  const lines = [
    `${dryRun ? would : done} ${counted(moved.letters.length, 'letter')}.`,
    ...(dryRun && moved.letters.length > 0 ? [lettersTable(moved.letters)] : []),
    ...(old > 0
      ? [`Warning: ${counted(old, 'event')} older than the inbox remembers: ${fence}`]
      : []),
    ...missing.map((id) => `There is no dead letter ${id}.`),
    ...(moved.error ? [`It ended early, the rest is where it was: ${moved.error}`] : []),
  ]
  return {
    isFine: missing.length === 0 && moved.error === null,
    json: { dry_run: dryRun, ...moved, missing },
    text: lines.join('\n'),
  }
}

const fence = 'only the ledger, or the final status of the order, guards against a second effect.'

const lettersTable = (letters: LetterSummary[]): string =>
  table(
    ['ID', 'QUEUE', 'TYPE', 'REASON', 'AGE', 'TRIED', 'ORDER', 'ERROR'],
    letters.map((letter) => [
      letter.id,
      letter.queue,
      shortened(letter.type, 20),
      letter.reason,
      span(letter.age_ms),
      letter.attempts,
      letter.order_id,
      shortened(letter.last_error, 60),
    ]),
  )

const section = (facts: object, indent = ''): string[] =>
  Object.entries(facts).map(
    ([name, value]) =>
      `${indent}${name.padEnd(26 - indent.length)} ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
