import { backoffMs } from '../backoff.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import type { Ending } from './handle.ts'
import type { Pending } from './pending.ts'

export interface Settling {
  queue: string
  /** Dead letters go out on a connection of their own: an alarm that blocks it must not stop acks. */
  deadLetters: Pick<Publisher, 'publishAll' | 'whenReady'>
  /** After so many failures of its own, an event is a dead letter. */
  maxAttempts: number
  /** The first wait between them; it grows. */
  retryBaseMs?: number
  logger: Logger
}

type Retries = Pick<Pending<Delivery>, 'push'>

/** How often each message has failed by itself, as long as it is in our hands. */
const failures = new WeakMap<Delivery, number>()

/** The one place where an ending becomes an answer to the broker. */
export async function settle(
  settling: Settling,
  delivery: Delivery,
  ending: Ending | undefined,
  retries: Retries,
  signal: AbortSignal,
): Promise<void> {
  switch (ending?.kind) {
    case undefined:
      return delivery.requeue()
    case 'handled':
    case 'duplicate':
      return delivery.ack()
    case 'park':
      return park(settling, delivery, ending, signal)
    case 'retry':
      return retryOrPark(settling, delivery, ending.error, retries, signal)
  }
}

async function retryOrPark(
  settling: Settling,
  delivery: Delivery,
  error: unknown,
  retries: Retries,
  signal: AbortSignal,
): Promise<void> {
  const attempts = (failures.get(delivery) ?? 0) + 1
  failures.set(delivery, attempts)
  settling.logger.error({ err: error, message_id: delivery.messageId, attempts }, 'event failed')
  if (attempts >= settling.maxAttempts) {
    return park(settling, delivery, { reason: 'attempts-exhausted', error: String(error) }, signal)
  }
  const delayMs = backoffMs(attempts, { baseMs: settling.retryBaseMs ?? 200, maxMs: 30_000 })
  void pause(delayMs, signal).then(() => {
    if (signal.aborted) delivery.requeue()
    else if (!delivery.isLost()) retries.push(delivery)
  })
}

/** Acknowledged only when the dead letter is confirmed: it may be there twice, never not at all. */
export async function park(
  settling: Settling,
  delivery: Delivery,
  { reason, error }: Pick<DeadLetter, 'reason' | 'error'>,
  signal: AbortSignal,
): Promise<void> {
  const attempts = Math.max(1, failures.get(delivery) ?? 0)
  const letter = deadLetterOf(delivery, settling.queue, { reason, error, attempts, at: new Date() })
  for (let tries = 0; !delivery.isLost() && !signal.aborted; tries++) {
    await settling.deadLetters.whenReady(signal)
    const published = await settling.deadLetters.publishAll([letter], 3_000).catch(() => undefined)
    if (published?.confirmed.length) {
      settling.logger.warn({ message_id: delivery.messageId, reason, error }, 'dead letter')
      return delivery.ack()
    }
    await pause(backoffMs(tries), signal)
  }
  delivery.requeue()
}
