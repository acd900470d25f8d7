import type { Observer } from '#messaging/index.ts'
import { batchMessages, durationSeconds } from './buckets.ts'
import { countBy, type Destination, destinationName } from './destination.ts'
import type { Metrics } from './metrics.ts'

type SentBatch = Parameters<NonNullable<Observer['sent']>>[0]

/** What became of messages that were not confirmed; `unknown`: the connection was lost. */
const failures: readonly (SentBatch['outcomes']['failed'][number]['cause'] | 'unknown')[] = [
  'returned',
  'refused',
  'channel-closed',
  'unconfirmed',
  'invalid',
  'unknown',
]
const send = {
  messaging_system: 'rabbitmq',
  messaging_operation_name: 'publish',
  messaging_operation_type: 'send',
}

/** Measures what is published to the destinations, all of which are known. */
export function measureSending(
  metrics: Metrics,
  destinations: readonly Destination[],
): Required<Pick<Observer, 'sent'>> {
  const duration = metrics.histogram(
    {
      name: 'messaging_client_operation_duration_seconds',
      help: 'From publishing a batch until the outcomes of all its messages are known.',
      labels: [...keysOf(send), 'error_type'],
    },
    durationSeconds,
  )
  const sent = metrics.counter({
    name: 'messaging_client_sent_messages_total',
    help: 'Messages that were published, by outcome; error_type is empty where the broker confirmed.',
    labels: [...keysOf(send), 'messaging_destination_name', 'error_type'],
  })
  const size = metrics.histogram(
    { name: 'messaging_sent_batch_messages', help: 'Messages that were published together.' },
    batchMessages,
  )
  duration.zero({ ...send, error_type: '' })
  for (const destination of destinations) {
    const labels = { ...send, messaging_destination_name: destinationName(destination) }
    for (const error_type of ['', ...failures]) sent.inc({ ...labels, error_type }, 0)
  }
  return {
    sent: (batch) => {
      const errors = errorsOf(batch)
      const [first = ''] = errors.values()
      duration.observe({ ...send, error_type: first }, batch.ms / 1_000)
      size.observe(batch.messages.length)
      for (const [key, count] of countBy(batch.messages, keyOf(errors))) {
        const [messaging_destination_name = '', error_type = ''] = key.split(separator)
        sent.inc({ ...send, messaging_destination_name, error_type }, count)
      }
    },
  }
}

const separator = '\n'

const keyOf = (errors: ReadonlyMap<string, string>) => (message: SentBatch['messages'][number]) =>
  destinationName(message) + separator + (errors.get(message.id) ?? '')

/** By the ids of the messages that were not confirmed. */
const errorsOf = ({ outcomes: { failed, unknown } }: SentBatch): Map<string, string> =>
  new Map([
    ...failed.map(({ id, cause }) => [id, cause] as const),
    ...unknown.map((id) => [id, 'unknown'] as const),
  ])

/** Of an object whose keys are known. */
export const keysOf = <Key extends string>(object: Record<Key, unknown>): Key[] =>
  Object.keys(object) as Key[]
