import type { Delivery } from '../broker/consumer.ts'
import type { OutgoingMessage } from '../broker/outgoing-message.ts'
import { republishable, shortString } from '../broker/short-string.ts'
import { deadLetterQueue } from '../broker/topology.ts'
import { signatureOf } from '../signatures/header.ts'

export interface DeadLetterDetails {
  /** A word for the kind of failure. */
  reason: string
  /** A sentence: the last error. */
  error: string
  attempts: number
  at: Date
}

/**
 * The message as it came, bound for the dead-letter queue, with what an operator wants to know in
 * its headers: why, the last error, how often it was tried, and where it came from at first. With
 * `asItCame` false only its id, kind and signature are kept, should the broker refuse the other
 * properties, or the headers: there must be no message that cannot be dead-lettered.
 */
export function deadLetterMessage(
  delivery: Delivery,
  queue: string,
  { reason, error, attempts, at }: DeadLetterDetails,
  asItCame: boolean,
): OutgoingMessage {
  const { type, contentType } = delivery.properties
  return {
    id: shortString(delivery.messageId ?? `unnamed-${crypto.randomUUID()}`),
    exchange: '',
    routingKey: deadLetterQueue(queue),
    content: delivery.content,
    properties: republishable(asItCame ? delivery.properties : { type, contentType }),
    headers: {
      ...(asItCame ? withoutRoutingCopies(delivery.headers) : signatureOf(delivery.headers)),
      'dead-letter-reason': reason,
      'last-error': error.slice(0, 1_000),
      attempts,
      'dead-lettered-at': at.toISOString(),
      ...originOf(delivery, queue),
    },
  }
}

/**
 * Where a message came from at first. A message that was sent again says so in its headers, and
 * comes straight into its queue; the headers of any other are not trusted.
 */
function originOf({ exchange, routingKey, headers }: Delivery, queue: string): Headers {
  const isSentAgain = exchange === '' && routingKey === queue
  return {
    'original-queue': queue,
    'original-exchange': exchange,
    'original-routing-key': routingKey,
    ...(isSentAgain && originIn(headers)),
  }
}

type Headers = Delivery['headers']

/**
 * Headers without CC and BCC, by which the broker routes copies of a message to more queues: a dead
 * letter with them would return to the queue where it could not be handled.
 */
const withoutRoutingCopies = ({ CC, BCC: _, ...others }: Headers): Headers => ({
  ...others,
  ...(CC !== undefined && { 'original-cc': CC }),
})

const headersOfOrigin = /^original-(cc|queue|exchange|routing-key)$/

/**
 * What deadLetterMessage adds, and what the broker does when it dead-letters or counts deliveries.
 */
const deadLetterHeaders =
  /^(dead-letter-reason|last-error|attempts|dead-lettered-at)$|^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

/**
 * The headers for the redrive of a dead letter: those that its message came with, and its first
 * origin, in case it is dead-lettered again. Without CC and BCC: the broker made those copies
 * before.
 */
export function originalHeaders(headers: Headers): Headers {
  const isOriginal = ([name]: [string, unknown]) =>
    ![deadLetterHeaders, headersOfOrigin, /^B?CC$/].some((those) => those.test(name))
  return { ...Object.fromEntries(Object.entries(headers).filter(isOriginal)), ...originIn(headers) }
}

/** What the broker counts for itself in a queue. */
const headersOfCounts = /^x-(delivery-count|acquired-count)$/

/**
 * The headers of a message that goes from one queue to another one, which is `queue` by another
 * name: as they came, and its first origin. Without CC, BCC and counts, as for a redrive.
 */
export function movedHeaders(
  {
    exchange,
    routingKey,
    headers,
    from,
  }: Pick<Delivery, 'exchange' | 'routingKey' | 'headers'> & { from: string },
  queue: string,
): Headers {
  const isSentAgain = exchange === '' && routingKey === from
  const kept = Object.entries(withoutRoutingCopies(headers)).filter(
    ([name]) => !headersOfCounts.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    ...(!isSentAgain && {
      'original-queue': queue,
      'original-exchange': exchange,
      'original-routing-key': routingKey,
    }),
  }
}

/**
 * The first origin: from the headers of `deadLetterMessage`, or, in a dead letter of the broker,
 * from `x-death`.
 */
function originIn(headers: Headers): Headers {
  const written = Object.entries(headers).filter(([name]) => headersOfOrigin.test(name))
  return written.length > 0 ? Object.fromEntries(written) : firstDeathIn(headers)
}

/** The broker puts the latest death first. Checked, because any publisher can write this header. */
function firstDeathIn({ 'x-death': deaths }: Headers): Headers {
  const first = (Array.isArray(deaths) ? deaths.at(-1) : undefined) as Headers | null | undefined
  const { queue, exchange, 'routing-keys': keys } = first ?? {}
  const key = Array.isArray(keys) ? keys[0] : undefined
  if ([queue, exchange, key].some((value) => typeof value !== 'string')) return {}
  return { 'original-queue': queue, 'original-exchange': exchange, 'original-routing-key': key }
}
