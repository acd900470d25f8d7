import { movingQueue } from '#messaging/broker/topology.ts'
import {
  type Command,
  type Report,
  rejectPositionals,
  seeHelp,
  UsageError,
} from '../cli/command.ts'
import { errorText } from '../cli/error-text.ts'
import { counted, table } from '../cli/table.ts'
import { withBrowserOf } from '../dead-letters/options.ts'
import { type KnownQueue, knownQueues } from './known-queues.ts'
import { type ListedQueue, listQueues } from './list-queues.ts'
import { longestInFlightMs, moveQueue } from './move-queue.ts'

/** operator queue list */
const listCommand: Command = {
  name: 'queue list',
  synopsis: '',
  summary: 'compares the queues with what this release declares',
  details: `Lists the queues with their arguments, as far as they are not those of this release, and whether a
move was interrupted. Exit code 1: there is such a queue. See queue move.`,
  options: {},
  acts: () => true, // to compare a queue, RabbitMQ wants the right to declare it
  run: async ({ positionals, ...caller }) => {
    rejectPositionals('queue list', positionals)
    const queues = await withBrowserOf(caller, listQueues)
    const rows = queues.map((one) => [one.queue, one.messages, one.consumers, noteOf(one)])
    const text = table(['QUEUE', 'READY', 'CONSUMING', 'NOTE'], rows)
    return { isFine: !queues.some(needsMove), json: { queues }, text }
  },
}

/** operator queue move */
const moveCommand: Command = {
  name: 'queue move',
  synopsis: 'QUEUE [--yes]',
  summary: 'gives a queue the arguments of this release, with all its messages',
  details: `RabbitMQ never changes the arguments of a queue that exists. This command moves the messages into
QUEUE.moving, deletes the queue, declares it again as this release does, and moves them back. Relays
go on meanwhile: one of both queues is always bound. Stop the consumers of the queue first; those of
this release wait for the queue, and may stay.

Nothing is lost when the command is interrupted: run it again, and it goes on where it was. A message
may then come twice, and the inbox drops the duplicate. It takes twenty seconds, and some seconds for
each thousand messages.

  QUEUE          ${knownQueues.map(({ queue }) => queue).join(', ')}
  --yes          does it; without it, the command only says what it would do`,
  options: { yes: { type: 'boolean' } },
  acts: () => true,
  run: async ({ positionals, values, ...caller }) => {
    const known = knownQueue(positionals)
    return withBrowserOf(caller, async (browser): Promise<Report> => {
      const listed = (await listQueues(browser)).find(({ queue }) => queue === known.queue)
      if (!listed || !needsMove(listed)) {
        const text = `${known.queue} has the arguments of this release: nothing to move.`
        return { isFine: true, json: { queue: known.queue, moved: 0, error: null }, text }
      }
      if (!values.yes) return planOf(listed)
      const options = { onStep: stepPrinter(), inFlightMs: longestInFlightMs }
      return moveQueue(browser, known, options).then(
        (moved) => movedReport(known, { moved, error: null }),
        (error: Error) => movedReport(known, { moved: null, error: errorText(error) }),
      )
    })
  },
}

export const queueCommands: Command[] = [listCommand, moveCommand]

const needsMove = ({ other_argument, moving }: ListedQueue): boolean =>
  other_argument !== null || moving !== null

function noteOf({ queue, messages, other_argument: other, moving }: ListedQueue): string | null {
  const notes = [
    messages === null ? 'does not exist' : null,
    other ? `has ${other.argument} ${other.has}, this release needs ${other.needed}` : null,
    moving === null ? null : `a move was interrupted: ${moving} in ${movingQueue(queue)}`,
  ]
  return notes.filter((note) => note !== null).join('; ') || null
}

function knownQueue([name, ...more]: string[]): KnownQueue {
  const known = knownQueues.find(({ queue }) => queue === name)
  if (known && more.length === 0) return known
  const names = knownQueues.map(({ queue }) => queue).join(', ')
  throw new UsageError(`queue move takes one of ${names}. ${seeHelp('queue move')}`)
}

/** Prints each step once, on stderr: draining has many. */
function stepPrinter(): (step: string) => void {
  const said = new Set<string>()
  return (step) => {
    if (said.has(step)) return
    said.add(step)
    process.stderr.write(`${step}\n`)
  }
}

function planOf(listed: ListedQueue): Report {
  const { queue, messages, moving } = listed
  const count = counted((messages ?? 0) + (moving ?? 0), 'message')
  const text = `${queue} ${noteOf(listed)}.
Would move ${count} through ${movingQueue(queue)}, and declare ${queue} as this release does.
Nothing was changed: --yes does it.`
  return { isFine: true, json: { ...listed, moved: null, error: null }, text }
}

function movedReport(
  { queue }: KnownQueue,
  result: { moved: number | null; error: string | null },
): Report {
  const { moved, error } = result
  const text =
    error === null
      ? `Moved ${queue} with ${counted(moved ?? 0, 'message')}: it has the arguments of this release.`
      : `Ended early, nothing is lost: ${error}. Run the command again: it goes on from here.`
  return { isFine: error === null, json: { queue, ...result }, text }
}
