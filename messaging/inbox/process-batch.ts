import type { Delivery } from '../broker/consumer.ts'
import { deferredMessage } from '../deferral/deferred-message.ts'
import { writeDeadLetter } from './dead-letter.ts'
import { decodeDelivery } from './decode.ts'
import { handleEvents } from './handle-events.ts'
import { afterFailure, retryLater, retryWhileUnavailable } from './retry.ts'
import type {
  Consumer,
  ConsumerContext,
  EventResult,
  EventResults,
  IncomingEvent,
} from './types.ts'

/** Counts an attempt around the handling. */
export type CountAttempt = (handling: () => Promise<EventResults>) => Promise<EventResults>

/**
 * The way of every message, in five steps: decode; deduplicate, handle and commit, in one
 * transaction (handle-events.ts, transaction.ts); acknowledge. What fails alone is retried: it
 * waits (retry.ts), goes into quarantine (quarantine.ts) and comes here again, alone. Retries and
 * dead letters go on in the background.
 */
export async function processBatch<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  deliveries: Delivery[],
  countAttempt?: CountAttempt,
): Promise<void> {
  const { messages, events } = decodeBatch(consumer, deliveries)
  const messageOf = ({ id }: Event) => deferredMessage(events.get(id)?.delivery as Delivery)
  const handling = { ...consumer, messageOf, isRetry: countAttempt !== undefined }
  const handle = () => handleEvents(handling, [...events.values().map(({ event }) => event)])
  const attempt = countAttempt ? () => countAttempt(handle) : handle
  const results = await retryWhileUnavailable(attempt, consumer.outages.database, consumer.signal)
  if (events.size > 0 && results) consumer.onCommit?.()
  for (const { delivery, eventId, invalid } of messages) {
    await acknowledge(consumer, delivery, invalid ?? results?.get(eventId))
  }
}

/** The messages, and the events among them by their ids: of two with the same id the last. */
function decodeBatch<Tables, Event extends IncomingEvent>(
  { decode }: Consumer<Tables, Event>,
  deliveries: Delivery[],
) {
  const events = new Map<string, { event: Event; delivery: Delivery }>()
  const messages = deliveries.map((delivery) => {
    const decoded = decodeDelivery(decode, delivery)
    if (decoded.kind === 'invalid') {
      return { delivery, eventId: '', invalid: { ...decoded, kind: 'dead-letter' as const } }
    }
    const { event } = decoded
    events.set(event.id, { event, delivery })
    return { delivery, eventId: event.id, invalid: undefined }
  })
  return { messages, events }
}

/**
 * The one place where a result becomes an answer to the broker; without a result, we were told to
 * stop. Resolves when a failure is counted: until then it looks like a crash of its consumer.
 */
async function acknowledge(
  consumer: ConsumerContext,
  delivery: Delivery,
  result: EventResult | undefined,
): Promise<void> {
  const { background } = consumer
  const next = result?.kind === 'retry' ? await afterFailure(consumer, delivery, result) : result
  switch (next?.kind) {
    case undefined:
      delivery.requeue()
      break
    case 'handled':
    case 'duplicate':
    case 'deferred':
      delivery.ack()
      break
    case 'dead-letter':
      background.run(writeDeadLetter(consumer, delivery, next))
      break
    case 'delayed':
      background.run(retryLater(consumer, delivery, next.delayMs))
  }
}
