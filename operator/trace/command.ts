import { allLetters } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, orTrouble, seeHelp, UsageError } from '../cli/command.ts'
import { oneLine, table } from '../cli/table.ts'
import { withBooks } from '../databases.ts'
import { type Trace, traceOrder } from './trace.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const traceCommand: Command = {
  name: 'trace',
  synopsis: 'ORDER_ID',
  summary: 'where an order is, and has been',
  details: `Shows each hop of an order with its time (none: not yet), queue and event, how often it was tried, and
the dead letters about it. An order whose payment was requested again has a request, and a reply, for each time.
What must have been there and is not found (somebody may have pruned it) is said, and changes no exit code.
If the dead letters cannot be looked at, it shows what the databases know, and exits with 2.`,
  options: {},
  run: async ({ words, env }) => {
    const [orderId = '', ...more] = words
    if (!uuid.test(orderId) || more.length > 0) {
      throw new UsageError(`Trace takes the id of one order. ${seeHelp('trace')}`)
    }
    const asking = allLetters(findAddresses(env, 'amqp').amqp)
    const { known: letters, trouble } = await orTrouble(asking)
    const trace = await withBooks(env, (books) => traceOrder(books, orderId.toLowerCase(), letters))
    if (trace) {
      const isFine = trace.dead_letters?.length === 0
      return { isFine, json: trace, text: traceText(trace), trouble }
    }
    const who = letters ? 'Nobody' : 'Neither database'
    const json = { order_id: orderId, steps: [], missing: [], dead_letters: letters && [] }
    return { isFine: false, json, text: `${who} has heard of order ${orderId}.`, trouble }
  },
}

/** For the terminal: what came in a message is one line each, and moves no cursor. */
export function traceText(trace: Trace): string {
  const { order_id, status, request_attempts, steps, missing, dead_letters } = trace
  const requested = (request_attempts ?? 1) > 1 ? `, requested ${request_attempts} times` : ''
  const rows = steps.map(({ stage, at, queue, attempts, event_id, note }) => [
    stage,
    at,
    queue,
    attempts,
    event_id,
    note,
  ])
  const letters = dead_letters?.map(
    ({ id, queue, reason, last_error }) =>
      `Dead letter ${id} in ${queue}: ${reason} (${last_error ?? 'no error written down'})`,
  ) ?? ['Dead letters: unknown']
  return [
    `Order ${order_id}: ${status ?? 'unknown to Orders'}${requested}`,
    table(['STAGE', 'AT', 'QUEUE', 'TRIED', 'EVENT', 'NOTE'], rows),
    ...missing.map((what) => `Not found: ${what}`),
    ...letters.map(oneLine),
  ].join('\n')
}
