import type { Delivery } from '../broker/consumer.ts'
import { deferredMessage } from '../deferral/deferred-message.ts'
import { noEventTracing } from '../tracing.ts'
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

/** Handles quarantined events, and counts their starts before. */
export type WithCountedStarts = (handle: () => Promise<EventResults>) => Promise<EventResults>

/**
 * The way of every message:
 *
 * 1. `DeliveryBuffer` gathers deliveries, and `consumeLoop` takes a batch of them (consumer.ts).
 * 2. `decodeDelivery` makes each message an event, or a dead letter. Where events are signed, it
 *   verifies them first (signatures/).
 * 3. `handleEvents` deduplicates and handles the events in one transaction (handle-events.ts,
 *   transaction.ts). `RowLocks` defers the events that need a locked row: skip deferral/ when no
 *   row is locked.
 * 4. `acknowledge` answers the broker; `AckBatcher` sends one answer for many messages.
 *
 * The states of a message. Skip the files in parentheses when nothing fails.
 *
 *     new          to the buffer, then a batch; to quarantine if it is redelivered
 *     batch        becomes handled, duplicate, deferred, retry or dead letter
 *     handled      acknowledged, as a duplicate is
 *     deferred     acknowledged; new again when the row is free (deferral/)
 *     retry        counted; after a delay to quarantine; after the
 *                  last attempt a dead letter                        (retry.ts)
 *     quarantine   a batch of what came back for the first time, then a batch of
 *                  one; starts counted before; after three starts without an end
 *                  a dead letter                        (quarantine.ts, quarantine-policy.ts)
 *     dead letter  published to `<queue>.dlq`, then acknowledged     (dead-letter.ts)
 *
 * Retries and dead letters continue in the background, while other batches are handled.
 */
export async function processBatch<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  deliveries: Delivery[],
  withCountedStarts?: WithCountedStarts,
): Promise<void> {
  if (deliveries.length === 0) return
  const { messages, events } = decodeBatch(consumer, deliveries)
  const messageOf = ({ id }: Event) => deferredMessage(events.get(id)?.delivery as Delivery)
  const context = { ...consumer, messageOf, isQuarantined: withCountedStarts !== undefined }
  const { queue, broker, tracing = noEventTracing } = consumer
  const results = await tracing.process({ events: [...events.values()], queue, broker }, (own) => {
    const handle = () => handleEvents(context, own)
    const attempt = withCountedStarts ? () => withCountedStarts(handle) : handle
    const measured = () => observed(consumer, messages, attempt)
    return retryWhileUnavailable(measured, consumer.outages.database, consumer.signal)
  })
  if (events.size > 0 && results) consumer.onCommit?.()
  for (const result of results?.values() ?? []) {
    if (result.kind === 'handled') result.onCommit?.()
  }
  for (const { delivery, eventId, invalid } of messages) {
    const answer = () => acknowledge(consumer, delivery, invalid ?? results?.get(eventId))
    await tracing.within(events.get(eventId)?.event.traceparent, answer)
  }
}

type Messages = ReturnType<typeof decodeBatch>['messages']

/** One try to process a batch, measured. */
async function observed(
  { observer }: Pick<ConsumerContext, 'observer'>,
  messages: Messages,
  attempt: () => Promise<EventResults>,
): Promise<EventResults> {
  const startMs = performance.now()
  const report = (end: { results: readonly EventResult[]; error?: unknown }) => {
    const ms = performance.now() - startMs
    observer?.processed?.({ messages: messages.map(({ delivery }) => delivery), ms, ...end })
  }
  try {
    const results = await attempt()
    report({
      results: messages.flatMap(({ eventId, invalid }) => invalid ?? results.get(eventId) ?? []),
    })
    return results
  } catch (error) {
    report({ results: [], error })
    throw error
  }
}

/** The messages, and their events by id: of two with the same id the last one. */
function decodeBatch<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  deliveries: Delivery[],
) {
  const events = new Map<string, { event: Event; delivery: Delivery }>()
  const messages = deliveries.map((delivery) => {
    const decoded = decodeDelivery(consumer, delivery)
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
 * stop. Resolves when the failure is stored; an uncounted failure would count as a crash.
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
