import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { AttemptedDeadLetter } from './dead-letter.ts'
import { isLocked } from './handle-events.ts'
import { recordFailure } from './rows.ts'
import type { ConsumerContext, EventResult } from './types.ts'

/**
 * Repeats the work until the database can do it, and returns its result; undefined when told to
 * stop before. Only for work whose errors are never a message's fault. The process is not ready
 * meanwhile.
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
 * What follows when an event has failed alone: a retry after a growing delay, and at last a dead
 * letter.
 */
export async function afterFailure(
  consumer: ConsumerContext,
  { messageId }: Delivery,
  { eventId, error }: Retry,
): Promise<AttemptedDeadLetter | { kind: 'delayed'; delayMs: number }> {
  const { maxAttempts, timing, logger, observer } = consumer
  const attempts = await countFailure(consumer, eventId, error)
  const failed = attempts > 0 ? `attempt ${attempts} of ${maxAttempts} failed` : 'not handled'
  const log = (next: string) =>
    logger.error(
      { err: error, event_id: eventId, message_id: messageId, attempts },
      `${failed}, ${next}`,
    )
  if (attempts >= maxAttempts) {
    log('to be dead-lettered')
    const attempted = { eventId, attempts }
    return { kind: 'dead-letter', reason: 'attempts-exhausted', error: String(error), attempted }
  }
  const baseMs = timing?.retryBaseMs ?? 200
  const delayMs = backoffMs(attempts, { baseMs, maxMs: 30_000 })
  log(`retry in ${delayMs} ms`)
  observer?.retried?.(error)
  return { kind: 'delayed', delayMs }
}

/**
 * Counts the failure, and returns how often the event has failed alone. A lock wait is not counted.
 * If counting fails, the event is retried uncounted.
 */
async function countFailure(
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

/** After the delay, puts a failed message into quarantine, where it is handled alone. */
export async function retryLater(
  { quarantine, signal }: ConsumerContext,
  delivery: Delivery,
  delayMs: number,
): Promise<void> {
  await pause(delayMs, signal)
  if (signal.aborted) delivery.requeue()
  else if (!delivery.isLost()) quarantine.push(delivery)
}
