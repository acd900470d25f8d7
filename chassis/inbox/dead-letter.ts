import type { OutgoingMessage } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
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
 */
export function deadLetterOf(
  delivery: Delivery,
  queue: string,
  { reason, error, attempts, at }: DeadLetter,
  keepHeaders: boolean,
): OutgoingMessage {
  return {
    id: delivery.messageId ?? `unnamed-${crypto.randomUUID()}`,
    type: delivery.type,
    exchange: '',
    routingKey: deadLetterQueue(queue),
    contentType: delivery.contentType,
    content: delivery.content,
    headers: {
      ...(keepHeaders && delivery.headers),
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

/** What deadLetterOf adds, and what the broker does when it dead-letters or counts deliveries. */
const headersOfDeath =
  /^(dead-letter-reason|last-error|attempts|dead-lettered-at|original-(queue|exchange|routing-key))$|^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

/**
 * The inverse: the headers that a message came with. Not those that send copies of it to more
 * queues (`CC`, `BCC`): those have had theirs.
 */
export const headersInLife = (headers: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !headersOfDeath.test(name) && !/^B?CC$/.test(name)),
  )
