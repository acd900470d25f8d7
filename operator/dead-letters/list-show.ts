import {
  type Command,
  rejectPositionals,
  seeHelp,
  UsageError,
  wholeNumber,
} from '../cli/command.ts'
import { printable } from '../cli/table.ts'
import { listDeadLetters, readDeadLetters } from './dead-letters.ts'
import { deadLettersTable, queueOption, queuesFrom, withBrowserOf } from './options.ts'

const defaultLimit = 100

/** operator dlq list */
export const listCommand: Command = {
  name: 'dlq list',
  synopsis: '[--queue NAME] [--limit N]',
  summary: 'lists dead letters with their reasons',
  details: `Lists dead letters, the oldest first, and leaves each in its place.

${queueOption}
  --limit N      the maximum number (${defaultLimit}); 0 for all`,
  options: { queue: { type: 'string' }, limit: { type: 'string' } },
  run: async ({ positionals, values, ...caller }) => {
    rejectPositionals('dlq list', positionals)
    const limit = wholeNumber(values, 'limit', { min: 0, fallback: defaultLimit }) || Infinity
    const selection = { queues: queuesFrom(values), limit }
    const listed = await withBrowserOf(caller, (browser) => listDeadLetters(browser, selection))
    const left = listed.total - listed.letters.length
    const more = left > 0 ? [`and ${left} more: --limit 0 lists all`] : []
    const text = listed.total === 0 ? 'No dead letters.' : deadLettersTable(listed.letters)
    return { isFine: true, json: listed, text: [text, ...more].join('\n') }
  },
}

/** operator dlq show */
export const showCommand: Command = {
  name: 'dlq show',
  synopsis: 'ID [--queue NAME]',
  summary: 'shows a dead letter with its headers and body',
  details: `Shows all headers, all properties and the body of the dead letters with an id, and leaves each in
its place. A message that was dead-lettered twice is shown twice.

${queueOption}`,
  options: { queue: { type: 'string' } },
  run: async ({ positionals, values, ...caller }) => {
    const [id] = positionals
    if (!id || positionals.length > 1)
      throw new UsageError(`dlq show takes the id of one dead letter. ${seeHelp('dlq show')}`)
    const selection = { queues: queuesFrom(values), ids: new Set([id]), limit: Infinity }
    const letters = await withBrowserOf(caller, (browser) => readDeadLetters(browser, selection))
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

const section = (facts: object, indent = ''): string[] =>
  Object.entries(facts).map(
    ([name, value]) =>
      `${indent}${name.padEnd(26 - indent.length)} ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
