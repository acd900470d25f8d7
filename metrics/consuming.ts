import { classify, failureClasses } from '#chassis/errors.ts'
import type { Observer } from '#messaging/index.ts'
import { batchMessages, durationSeconds } from './buckets.ts'
import { countBy, destinationName, otherDestination } from './destination.ts'
import type { Metrics } from './metrics.ts'
import { keysOf } from './sending.ts'

/** What a consumer reads, and why it may give a message up. */
export interface Consumed {
  queue: { queue: string; exchange: string; routingKeys: readonly string[] }
  deadLetterReasons: readonly string[]
}

const common = { messaging_system: 'rabbitmq' }
const receive = {
  ...common,
  messaging_operation_name: 'deliver',
  messaging_operation_type: 'receive',
}
const process = {
  ...common,
  messaging_operation_name: 'process',
  messaging_operation_type: 'process',
}
const results = ['handled', 'duplicate', 'deferred', 'retry', 'dead-letter']
/** The reasons of the engine itself. */
const engineReasons = [
  ...['not-signed', 'wrong-signature', 'too-large'],
  ...['attempts-exhausted', 'consumer-crashed'],
]

/** Measures what a consumer does with what it is delivered. */
export const measureConsuming = (metrics: Metrics, consumed: Consumed): Observer => ({
  ...measureDeliveries(metrics, consumed),
  ...measureBatches(metrics),
  ...measureFailures(metrics, consumed),
})

function measureDeliveries(
  metrics: Metrics,
  { queue: { queue, exchange, routingKeys } }: Consumed,
): Pick<Observer, 'delivered'> {
  const consumed = metrics.counter({
    name: 'messaging_client_consumed_messages_total',
    help: 'Messages that were delivered; the same message may be delivered many times.',
    labels: [...keysOf(receive), 'messaging_destination_name'],
  })
  const redelivered = metrics.counter({
    name: 'messaging_redelivered_messages_total',
    help: 'Deliveries that were not the first one of their message.',
  })
  const known = routingKeys.map((routingKey) => ({ exchange, routingKey }))
  known.push({ exchange: '', routingKey: queue })
  const names = new Set(known.map((destination) => destinationName(destination, queue)))
  const labelsOf = (messaging_destination_name: string) => ({
    ...receive,
    messaging_destination_name,
  })
  for (const name of [...names, otherDestination]) consumed.inc(labelsOf(name), 0)

  const tally = new Map<string, number>()
  metrics.onScrape(() => {
    for (const [name, count] of tally) consumed.inc(labelsOf(name), count)
    tally.clear()
  })
  return {
    delivered: (delivery) => {
      const given = destinationName(delivery, queue)
      const name = names.has(given) ? given : otherDestination
      tally.set(name, (tally.get(name) ?? 0) + 1)
      if (delivery.isRedelivered) redelivered.inc()
    },
  }
}

function measureBatches(metrics: Metrics): Pick<Observer, 'processed'> {
  const duration = metrics.histogram(
    {
      name: 'messaging_process_duration_seconds',
      help: 'One try to process a batch, in one or more transactions.',
      labels: [...keysOf(process), 'error_type'],
    },
    durationSeconds,
  )
  const size = metrics.histogram(
    { name: 'messaging_processed_batch_messages', help: 'Messages that were processed together.' },
    batchMessages,
  )
  const events = metrics.counter({
    name: 'inbox_events_total',
    help: 'Processed messages by the result of their event.',
    labels: ['result'],
  })
  for (const error_type of ['', ...failureClasses]) duration.zero({ ...process, error_type })
  for (const result of results) events.inc({ result }, 0)
  return {
    processed: (batch) => {
      const error_type = batch.error === undefined ? '' : classify(batch.error)
      duration.observe({ ...process, error_type }, batch.ms / 1_000)
      size.observe(batch.messages.length)
      for (const [result, count] of countBy(batch.results, ({ kind }) => kind)) {
        events.inc({ result }, count)
      }
    },
  }
}

function measureFailures(
  metrics: Metrics,
  { deadLetterReasons }: Consumed,
): Pick<Observer, 'transactionFailed' | 'retried' | 'deadLettered'> {
  const transactions = metrics.counter({
    name: 'inbox_transaction_failures_total',
    help: 'Transactions of batches that failed, by class of failure.',
    labels: ['error_type'],
  })
  const retries = metrics.counter({
    name: 'inbox_retries_total',
    help: 'Events that failed alone and are tried again after a delay, by class of failure.',
    labels: ['error_type'],
  })
  const deadLetters = metrics.counter({
    name: 'messaging_dead_letters_total',
    help: 'Dead letters that were written, by reason.',
    labels: ['reason'],
  })
  for (const error_type of failureClasses) {
    transactions.inc({ error_type }, 0)
    retries.inc({ error_type }, 0)
  }
  for (const reason of [...engineReasons, ...deadLetterReasons]) deadLetters.inc({ reason }, 0)
  return {
    transactionFailed: (error) => transactions.inc({ error_type: classify(error) }),
    retried: (error) => retries.inc({ error_type: classify(error) }),
    deadLettered: (reason) => deadLetters.inc({ reason }),
  }
}
