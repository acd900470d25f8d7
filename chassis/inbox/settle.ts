import { backoffMs } from '../backoff.ts'
import type { Published } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import { isCode } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import type { Background } from './background.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import type { Ending } from './handle.ts'
import type { Pending } from './pending.ts'

export interface Settling {
  queue: string
  /** Dead letters go out on a connection of their own: an alarm that blocks it must not stop acks. */
  deadLetters: Pick<Publisher, 'publishAll' | 'whenReady' | 'reconnect'>
  /** After so many failures of its own, an event is a dead letter. */
  maxAttempts: number
  /** The first wait between them; it grows. */
  retryBaseMs?: number
  logger: Logger
}

/** What settling leaves running: retries that wait, and dead letters on their way. */
export interface Aftermath {
  pending: Pick<Pending<Delivery>, 'push'>
  background: Background
  signal: AbortSignal
}

/** How often each message has failed by itself, as long as it is in our hands. */
const failures = new WeakMap<Delivery, number>()

/** The one place where an ending becomes an answer to the broker. */
export function settle(
  settling: Settling,
  delivery: Delivery,
  ending: Ending | undefined,
  aftermath: Aftermath,
): void {
  switch (ending?.kind) {
    case undefined:
      delivery.requeue()
      break
    case 'handled':
    case 'duplicate':
      delivery.ack()
      break
    case 'park':
      aftermath.background.run(park(settling, delivery, ending, aftermath.signal))
      break
    case 'retry':
      aftermath.background.run(retryOrPark(settling, delivery, ending.error, aftermath))
      break
  }
}

/** Waiting for somebody else's lock is no failure of the event, and no attempt. */
async function retryOrPark(
  settling: Settling,
  delivery: Delivery,
  error: unknown,
  { pending, signal }: Aftermath,
): Promise<void> {
  const { maxAttempts, retryBaseMs = 200, logger } = settling
  const attempts = (failures.get(delivery) ?? 0) + (isCode(error, 'timeout') ? 0 : 1)
  failures.set(delivery, attempts)
  logger.error({ err: error, message_id: delivery.messageId, attempts }, 'event failed')
  if (attempts >= maxAttempts) {
    return park(settling, delivery, { reason: 'attempts-exhausted', error: String(error) }, signal)
  }
  await pause(backoffMs(attempts, { baseMs: retryBaseMs, maxMs: 30_000 }), signal)
  if (signal.aborted) delivery.requeue()
  else if (!delivery.isLost()) pending.push(delivery)
}

/** Acknowledged only when the dead letter is confirmed: it may be there twice, never not at all. */
async function park(
  { queue, deadLetters, logger }: Settling,
  delivery: Delivery,
  { reason, error }: Pick<DeadLetter, 'reason' | 'error'>,
  signal: AbortSignal,
): Promise<void> {
  const attempts = Math.max(1, failures.get(delivery) ?? 0)
  const letter = { reason, error, attempts, at: new Date() }
  for (let tries = 0; !delivery.isLost() && !signal.aborted; tries++) {
    await deadLetters.whenReady(signal)
    const message = deadLetterOf(delivery, queue, letter, tries < headerTries)
    const published = await deadLetters.publishAll([message], deadlineMs).catch(failed)
    if (published.confirmed.length > 0) {
      logger.warn({ message_id: delivery.messageId, reason, error }, 'dead letter')
      return delivery.ack()
    }
    logger.error({ message_id: delivery.messageId, failed: published.failed }, 'no dead letter')
    deadLetters.reconnect() // the dead-letter queue may be gone: declare it anew
    await pause(backoffMs(tries, { baseMs: 200, maxMs: 10_000 }), signal)
  }
  delivery.requeue()
}

/** So often the message is sent with all headers that it came with; they may be what is in the way. */
const headerTries = 3

const deadlineMs = 3_000

const failed = (error: Error): Published => ({
  confirmed: [],
  failed: [{ id: '', error: error.message }],
  late: false,
})
