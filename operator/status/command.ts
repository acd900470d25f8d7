import { deadLetterQueue } from '#messaging/broker/topology.ts'
import { consumerQueues } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, orTrouble, refuseWords } from '../cli/command.ts'
import { span, table } from '../cli/table.ts'
import { withBooks } from '../databases.ts'
import type { QueueState } from '../dead-letters/broker/queue-browser.ts'
import type { OutboxStatus } from './rows.ts'
import { readDepths, readStatus, type Status } from './status.ts'

export const statusCommand: Command = {
  name: 'status',
  synopsis: '',
  summary: 'how much there is to do, since when, and how fast it goes',
  details: `Shows how many orders are pending, how deep outboxes, queues and dead letters are, how long the oldest
has waited, and how many events a second each process has moved in the last ten seconds. Of a queue
it counts what is ready, not what a consumer or another operator has in hand. It only shows: whether
something is wrong is for reconcile to say. Without the broker it shows what the databases know, and
exits with 2.`,
  options: {},
  run: async ({ words, env }) => {
    refuseWords('status', words)
    const { amqp } = findAddresses(env, 'amqp')
    const { known: depths, trouble } = await orTrouble(readDepths(amqp))
    const status = await withBooks(env, (books) => readStatus(books, depths))
    return { isFine: !trouble, json: status, text: textOf(status), trouble }
  },
}

function textOf({ orders, outboxes, queues, dead_letters, rates }: Status): string {
  const again =
    orders.requested_again > 0 ? `requested again ${orders.requested_again} times` : null
  const outbox = (name: string, { unpublished, oldest_ms, failing }: OutboxStatus) => [
    `outbox of ${name}`,
    unpublished,
    span(oldest_ms),
    failing > 0 ? `${failing} could not be published at first` : null,
  ]
  const queue = ({ queue, messages, consumers }: QueueState) => [
    `queue ${queue}, ready`,
    messages,
    null,
    messages === null ? 'is not there' : `${consumers} consuming`,
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
  return `${depths}\n\n${table(['PROCESS', 'EVENTS/S'], Object.entries(rates))}`
}

const unknown = (what: string, queues: readonly string[]) =>
  queues.map((queue) => [`${what} ${queue}, ready`, 'unknown', null, null])
