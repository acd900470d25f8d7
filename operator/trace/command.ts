import { listAllDeadLetters } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, orUnavailable, seeHelp, UsageError } from '../cli/command.ts'
import { cellText, table } from '../cli/table.ts'
import { withDatabases } from '../databases.ts'
import { type Trace, traceOrder } from './trace.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const traceCommand: Command = {
  name: 'trace',
  synopsis: 'ORDER_ID',
  summary: 'follows an order hop by hop',
  details: `Shows each hop of an order with its time (none: not yet), queue, event and number of attempts, and
the dead letters of the order. Each payment request has a hop of its own, and so has each reply.
A request, reply or inbox row that must have existed and is not found is reported as expired, if it
was old enough to be deleted (see retention), otherwise as not found. Neither changes the exit code. If the dead letters cannot be read, trace shows what the
databases know, and exits with 2.`,
  options: {},
  run: async ({ positionals, ...caller }) => {
    const [orderId = '', ...more] = positionals
    if (!uuid.test(orderId) || more.length > 0) {
      throw new UsageError(`trace takes the id of one order. ${seeHelp('trace')}`)
    }
    const { amqp } = findAddresses(caller, 'amqp')
    const { result: letters, error } = await orUnavailable(listAllDeadLetters(amqp))
    const trace = await withDatabases(caller, (databases) =>
      traceOrder(databases, orderId.toLowerCase(), letters),
    )
    if (trace) {
      const isFine = trace.dead_letters?.length === 0
      return { isFine, json: trace, text: traceText(trace), error }
    }
    const json = {
      order_id: orderId,
      steps: [],
      expired: [],
      missing: [],
      dead_letters: letters && [],
    }
    const places = letters ? 'Neither database, and no dead letter,' : 'Neither database'
    return { isFine: false, json, text: `${places} knows order ${orderId}.`, error }
  },
}

/** The trace as text. A value from a message stays on its line, without control characters. */
export function traceText(trace: Trace): string {
  const { order_id, status, request_attempts, steps, expired, missing, dead_letters } = trace
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
      `Dead letter ${id} in ${queue}: ${reason} (${last_error ?? 'no error recorded'})`,
  ) ?? ['Dead letters: unknown']
  return [
    `Order ${order_id}: ${status ?? 'unknown to Orders'}${requested}`,
    table(['STAGE', 'AT', 'QUEUE', 'ATTEMPTS', 'EVENT', 'NOTE'], rows),
    ...expired.map((what) => `Expired: ${what}`),
    ...missing.map((what) => `Not found: ${what}`),
    ...letters.map(cellText),
  ].join('\n')
}
