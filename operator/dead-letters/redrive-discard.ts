import { readConfig } from '#chassis/config.ts'
import { inboxRetentionDays } from '#messaging/variables.ts'
import {
  type Command,
  type Given,
  type Report,
  seeHelp,
  UsageError,
  wholeNumber,
} from '../cli/command.ts'
import { counted } from '../cli/table.ts'
import { deadLettersTable, queueOption, queuesFrom, withBrowserOf } from './options.ts'
import { discardDeadLetters, type Moved, type MoveOptions, redriveDeadLetters } from './redrive.ts'

const selectionHelp = `  ID...          the dead letters with these ids
${queueOption}
  --all          the dead letters of all consumers
  --limit N      the maximum number
  --rate N       the maximum number per second
  --dry-run      changes nothing, and shows what would be done`

const moveOptions = {
  queue: { type: 'string' },
  all: { type: 'boolean' },
  limit: { type: 'string' },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

const acts: Command['acts'] = ({ values }) => values['dry-run'] !== true

/** operator dlq redrive */
export const redriveCommand: Command = {
  name: 'dlq redrive',
  synopsis: '(ID... | --queue NAME | --all) [--limit N] [--rate N] [--dry-run] [--beyond-inbox]',
  summary: 'publishes dead letters to their queue again',
  details: `Publishes dead letters to the queue of the consumer that could not handle them: same id, same body.
A dead letter is deleted only when RabbitMQ has confirmed its copy. After an interruption nothing is
lost, and a duplicate has no second effect: the inbox knows its id.

${selectionHelp}
  --beyond-inbox also events that are older than the inbox remembers

The inbox knows the ids of handled events for INBOX_RETENTION_DAYS (30). An older event is left in
its place, and the exit code is 1: the inbox may have forgotten that a copy was handled. With
--beyond-inbox it is redriven, and only the ledger (UNIQUE (order_id, type)), or the final status of
the order, prevents a second effect.`,
  options: { ...moveOptions, 'beyond-inbox': { type: 'boolean' } },
  acts,
  run: async (input) => {
    const options = moveOptionsFrom('dlq redrive', input)
    const { days } = readConfig(input.env, { days: inboxRetentionDays })
    const isBeyondInbox = input.values['beyond-inbox'] === true
    const horizon = { inboxRetentionMs: days * 86_400_000, isBeyondInbox }
    const moved = await withBrowserOf(input, (browser) =>
      redriveDeadLetters(browser, { ...options, ...horizon }),
    )
    return movedReport(moved, options, { done: 'Redriven', would: 'Would redrive' })
  },
}

/** operator dlq discard */
export const discardCommand: Command = {
  name: 'dlq discard',
  synopsis: '(ID... | (--queue NAME | --all) --yes) [--limit N] [--rate N] [--dry-run]',
  summary: 'deletes dead letters for good',
  details: `Deletes dead letters for good. No copy is kept: see dlq show first.

${selectionHelp}
  --yes          needed with --queue and --all`,
  options: { ...moveOptions, yes: { type: 'boolean' } },
  acts,
  run: async (input) => {
    const options = moveOptionsFrom('dlq discard', input)
    if (!options.ids && !options.dryRun && !input.values.yes) {
      throw new UsageError('dlq discard without ids needs --yes: it cannot be undone')
    }
    const moved = await withBrowserOf(input, (browser) => discardDeadLetters(browser, options))
    return movedReport(moved, options, { done: 'Discarded', would: 'Would discard' })
  },
}

function moveOptionsFrom(name: string, { positionals, values }: Given): MoveOptions {
  const hasIds = positionals.length > 0
  const hasQueue = values.queue !== undefined
  if (!hasIds && !hasQueue && !values.all) {
    throw new UsageError(`${name} takes ids, --queue or --all. ${seeHelp(name)}`)
  }
  if (values.all && (hasIds || hasQueue)) {
    throw new UsageError(`--all cannot be combined with ids or --queue. ${seeHelp(name)}`)
  }
  return {
    queues: queuesFrom(values),
    ids: hasIds ? new Set(positionals) : undefined,
    limit: wholeNumber(values, 'limit', { min: 1, fallback: Infinity }),
    rate: wholeNumber(values, 'rate', { min: 1, fallback: Infinity }),
    dryRun: values['dry-run'] === true,
  }
}

function movedReport(
  moved: Moved,
  { ids, dryRun, limit }: MoveOptions,
  { done, would }: { done: string; would: string },
): Report {
  const found = new Set([...moved.letters.map(({ id }) => id), ...moved.refused])
  const isComplete = moved.error === null && moved.letters.length < limit
  const missing = isComplete ? [...(ids ?? [])].filter((id) => !found.has(id)) : []
  const { length: old } = moved.beyond_inbox
  const { length: left } = moved.refused
  const lines = [
    `${dryRun ? would : done} ${counted(moved.letters.length, 'dead letter')}.`,
    ...(dryRun && moved.letters.length > 0 ? [deadLettersTable(moved.letters)] : []),
    ...(old > 0 ? [`Warning: ${counted(old, 'event')} older than the inbox: ${onlyLedger}`] : []),
    ...(left > 0
      ? [
          `Left in their places: ${counted(left, 'event')} older than the inbox remembers. ${beyondInbox}`,
        ]
      : []),
    ...moved.refused.map((id) => `  ${id}`),
    ...missing.map((id) => `There is no dead letter ${id}.`),
    ...(moved.error
      ? [`Ended early; all other dead letters are in their places: ${moved.error}`]
      : []),
  ]
  return {
    isFine: missing.length === 0 && left === 0 && moved.error === null,
    json: { dry_run: dryRun, ...moved, missing },
    text: lines.join('\n'),
  }
}

const beyondInbox = '--beyond-inbox redrives them: then only the ledger protects.'

const onlyLedger = 'only the ledger, or the final status of the order, prevents a second effect.'
