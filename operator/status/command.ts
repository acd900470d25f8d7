import { deadLetterQueue } from '#messaging/broker/topology.ts'
import { consumerQueues } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, orUnavailable, rejectPositionals } from '../cli/command.ts'
import { span, table } from '../cli/table.ts'
import { withDatabases } from '../databases.ts'
import type { QueueState } from '../dead-letters/broker/queue-browser.ts'
import { retentionTable } from '../retention/table.ts'
import type { OutboxStatus } from './rows.ts'
import { readDepths, readStatus, type Status } from './status.ts'

export const statusCommand: Command = {
  name: 'status',
  synopsis: '',
  summary: 'shows depths, ages and rates',
  details: `Shows the number of pending orders, the depths of outboxes, queues and dead-letter queues, the age
of the oldest entry, and the events per second of each process in the last ten seconds. The depth of
a queue is its ready messages: unacknowledged ones are not counted. status judges nothing: reconcile
finds what is wrong. What expires, and when old rows were last deleted, follows: retention also counts
what would go now. Without the broker, status shows what the databases know, and exits with 2.`,
  options: {},
  run: async ({ positionals, ...caller }) => {
    rejectPositionals('status', positionals)
    const { amqp } = findAddresses(caller, 'amqp')
    const { result: depths, error } = await orUnavailable(readDepths(amqp))
    const status = await withDatabases(caller, (databases) => readStatus(databases, depths))
    return { isFine: !error, json: status, text: textOf(status), error }
  },
}

function textOf(status: Status): string {
  const { orders, outboxes, queues, dead_letters, rates, retention } = status
  const again =
    orders.requested_again > 0 ? `requested again ${orders.requested_again} times` : null
  const outbox = (name: string, { unpublished, oldest_ms, failing }: OutboxStatus) => [
    `outbox of ${name}`,
    unpublished,
    span(oldest_ms),
    failing > 0 ? `${failing} failed to be published at first` : null,
  ]
  const queue = ({ queue, messages, consumers }: QueueState) => [
    `queue ${queue}, ready`,
    messages,
    null,
    messages === null ? 'does not exist' : `${consumers} consuming`,
  ]
  const dead = ({ queue, messages }: QueueState) => [
    `dead letters ${queue}, ready`,
    messages,
    null,
    null,
  ]
  const depths = table(
    ['WHERE', 'WAITING', 'OLDEST', 'NOTE'],
    [
      ['orders pending', orders.pending, span(orders.oldest_ms), again],
      outbox('Orders', outboxes.orders),
      outbox('Payments', outboxes.payments),
      ...(queues?.map(queue) ?? unknown('queue', consumerQueues)),
      ...(dead_letters?.map(dead) ?? unknown('dead letters', consumerQueues.map(deadLetterQueue))),
    ],
  )
  const processes = table(['PROCESS', 'EVENTS/S'], Object.entries(rates))
  return [depths, processes, retentionTable(retention)].join('\n\n')
}

const unknown = (what: string, queues: readonly string[]) =>
  queues.map((queue) => [`${what} ${queue}, ready`, 'unknown', null, null])
