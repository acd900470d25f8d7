import { type Command, refuseWords, seeHelp, UsageError, wholeNumber } from '../cli/command.ts'
import { printable } from '../cli/table.ts'
import { listLetters, openLetters } from './dead-letters.ts'
import { lettersTable, queueOption, queuesFrom, withDesk } from './options.ts'

const listLimit = 100

/** operator dlq list */
export const listCommand: Command = {
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

/** operator dlq show */
export const showCommand: Command = {
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

const section = (facts: object, indent = ''): string[] =>
  Object.entries(facts).map(
    ([name, value]) =>
      `${indent}${name.padEnd(26 - indent.length)} ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
  )
