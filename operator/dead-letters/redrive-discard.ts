import { integer, readConfig } from '#chassis/config.ts'
import {
  type Command,
  type Input,
  type Report,
  seeHelp,
  UsageError,
  wholeNumber,
} from '../cli/command.ts'
import { counted } from '../cli/table.ts'
import { lettersTable, queueOption, queuesFrom, withDesk } from './options.ts'
import { discardLetters, type Moved, type Moving, redriveLetters } from './redrive.ts'

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

/** operator dlq redrive */
export const redriveCommand: Command = {
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

/** operator dlq discard */
export const discardCommand: Command = {
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

/** How long an inbox knows an event for certain. It is not pruned yet; one day it will be. */
const inboxRetentionDays = integer('INBOX_RETENTION_DAYS', { min: 1, max: 36_500, fallback: 30 })

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
  { ids, dryRun, limit }: Moving,
  { done, would }: { done: string; would: string },
): Report {
  const found = new Set(moved.letters.map(({ id }) => id))
  const isDone = moved.error === null && moved.letters.length < limit
  const missing = isDone ? [...(ids ?? [])].filter((id) => !found.has(id)) : []
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
