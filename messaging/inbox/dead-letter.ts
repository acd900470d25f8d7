import { backoffMs } from '#chassis/backoff.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import { deadLetterMessage } from './dead-letter-message.ts'
import { deleteAttempts } from './rows.ts'
import type { ConsumerContext, DeadLetter } from './types.ts'

/** A dead letter, with the counted attempts if they are its reason. */
export type AttemptedDeadLetter = DeadLetter & {
  attempted?: { eventId: string; attempts: number }
}

/** Publishes with all headers; after them without, since the broker may refuse the headers. */
const headerTries = 3

const confirmTimeoutMs = 3_000

/**
 * Publishes a message to the dead-letter queue, and acknowledges it when the broker has confirmed
 * that: it may be in that queue twice, never not at all. Tries until it succeeds, or until told to
 * stop.
 */
export async function writeDeadLetter(
  consumer: ConsumerContext,
  delivery: Delivery,
  { reason, error, attempted }: AttemptedDeadLetter,
): Promise<void> {
  const { queue, db, deadLetters, logger, outages, signal, observer } = consumer
  const letter = { reason, error, attempts: attempted?.attempts ?? 1, at: new Date() }
  let tries = 0
  while (!delivery.isLost() && !signal.aborted) {
    await deadLetters.whenReady(signal)
    const message = deadLetterMessage(delivery, queue, letter, tries < headerTries)
    const { confirmed, failed } = await deadLetters.publishAll([message], confirmTimeoutMs)
    if (confirmed.length > 0) {
      logger.warn({ message_id: delivery.messageId, reason, error }, 'dead letter')
      outages.deadLetters.over(delivery)
      observer?.deadLettered?.(reason)
      if (attempted) await deleteAttempts(db, [attempted.eventId]).catch(() => {}) // only a count
      return delivery.ack()
    }
    if (failed.length === 0) continue // unknown: published on the next connection
    outages.deadLetters.failed(new Error(failed[0]?.error), delivery)
    deadLetters.reconnect() // the dead-letter queue may be gone: redeclare it
    await pause(backoffMs(tries++, { baseMs: 200, maxMs: 10_000 }), signal)
  }
  if (!signal.aborted) outages.deadLetters.over(delivery)
  delivery.requeue()
}
