import type { OutgoingMessage } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
import { shortString } from '../broker/short-string.ts'
import { deadLetterQueue } from '../broker/topology.ts'

export interface DeadLetter {
  /** A word that names the kind of trouble. */
  reason: string
  /** A sentence: the last error. */
  error: string
  attempts: number
  at: Date
}

/**
 * The message as it came, bound for the dead-letter queue, with what an operator wants to know in
 * its headers: why, the last error, how often it was tried, and where it belongs if sent again.
 * Without `keepHeaders` those that it came with are left out, should they be what is in the way.
 * A property that would not fit when sent on is cut: no message may be one that cannot be parked.
 */
export function deadLetterOf(
  delivery: Delivery,
  queue: string,
  { reason, error, attempts, at }: DeadLetter,
  keepHeaders: boolean,
): OutgoingMessage {
  return {
    id: shortString(delivery.messageId ?? `unnamed-${crypto.randomUUID()}`),
    type: delivery.type && shortString(delivery.type),
    exchange: '',
    routingKey: deadLetterQueue(queue),
    contentType: delivery.contentType && shortString(delivery.contentType),
    content: delivery.content,
    headers: {
      ...(keepHeaders && harmless(delivery.headers)),
      'dead-letter-reason': reason,
      'last-error': error.slice(0, 1_000),
      attempts,
      'dead-lettered-at': at.toISOString(),
      'original-queue': queue,
      'original-exchange': delivery.exchange,
      'original-routing-key': delivery.routingKey,
    },
  }
}

/**
 * The headers of a message without those by which the broker sends copies of it to more queues: a
 * letter that has them would come back to where it could not be handled.
 */
const harmless = ({ CC, BCC: _, ...others }: Delivery['headers']): Delivery['headers'] => ({
  ...others,
  ...(CC !== undefined && { 'original-cc': CC }),
})

/** What deadLetterOf adds, and what the broker does when it dead-letters or counts deliveries. */
const headersOfDeath =
  /^(dead-letter-reason|last-error|attempts|dead-lettered-at|original-(cc|queue|exchange|routing-key))$|^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

/**
 * The inverse: the headers that a message came with. Not those that send copies of it to more
 * queues, which a letter may have that the broker has written: they have had theirs.
 */
export const headersInLife = (headers: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !headersOfDeath.test(name) && !/^B?CC$/.test(name)),
  )
