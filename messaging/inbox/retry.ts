import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { AttemptedDeadLetter } from './dead-letter.ts'
import { isLocked } from './handle-events.ts'
import { recordFailure } from './rows.ts'
import type { ConsumerContext, EventResult } from './types.ts'

/**
 * The result of the work, which is begun again until the database can do it; undefined when told to
 * stop before. For work whose every error says nothing of a message: while it holds messages, the
 * process is not ready.
 */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  outage: Outage,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 0; ; failures++) {
    try {
      const result = await work()
      outage.over(work)
      return result
    } catch (error) {
      outage.failed(error, work)
      await pause(backoffMs(failures), signal)
      if (signal.aborted) return undefined
    }
  }
}

type Retry = Extract<EventResult, { kind: 'retry' }>

/**
 * What follows a failure of an event by itself: a retry after a delay that grows, or, at last, a
 * dead letter.
 */
export async function afterFailure(
  consumer: ConsumerContext,
  { messageId }: Delivery,
  { eventId, error }: Retry,
): Promise<AttemptedDeadLetter | { kind: 'delayed'; delayMs: number }> {
  const { maxAttempts, timing, logger } = consumer
  const attempts = await countAttempt(consumer, eventId, error)
  logger.error({ err: error, message_id: messageId, attempts }, 'event failed')
  if (attempts >= maxAttempts) {
    const attempted = { eventId, attempts }
    return { kind: 'dead-letter', reason: 'attempts-exhausted', error: String(error), attempted }
  }
  const baseMs = timing?.retryBaseMs ?? 200
  return { kind: 'delayed', delayMs: backoffMs(attempts, { baseMs, maxMs: 30_000 }) }
}

/**
 * How often the event has failed by itself. To wait for the lock of another transaction is no
 * failure of the event, and no attempt; nor is one that cannot be counted: the event is then
 * retried once more.
 */
async function countAttempt(
  { db, logger }: ConsumerContext,
  eventId: string,
  error: unknown,
): Promise<number> {
  if (isLocked(error)) return 0
  try {
    return await recordFailure(db, eventId, String(error))
  } catch (fault) {
    logger.warn({ err: fault, event_id: eventId }, 'an attempt could not be counted')
    return 0
  }
}

/** Puts a message that has failed into quarantine, where it is handled by itself. */
export async function retryLater(
  { quarantine, signal }: ConsumerContext,
  delivery: Delivery,
  delayMs: number,
): Promise<void> {
  await pause(delayMs, signal)
  if (signal.aborted) delivery.requeue()
  else if (!delivery.isLost()) quarantine.push(delivery)
}
