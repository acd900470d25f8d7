import type { OutgoingMessage } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
import { resendable, shortString } from '../broker/short-string.ts'
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
 * its headers: why, the last error, how often it was tried, and where it came from at first.
 * With `asItCame` false only its id and kind are kept, should the other properties, or the headers, be
 * what is in the way: no message may be one that cannot be parked.
 */
export function deadLetterOf(
  delivery: Delivery,
  queue: string,
  { reason, error, attempts, at }: DeadLetter,
  asItCame: boolean,
): OutgoingMessage {
  const { type, contentType } = delivery.properties
  return {
    id: shortString(delivery.messageId ?? `unnamed-${crypto.randomUUID()}`),
    exchange: '',
    routingKey: deadLetterQueue(queue),
    content: delivery.content,
    properties: resendable(asItCame ? delivery.properties : { type, contentType }),
    headers: {
      ...(asItCame && harmless(delivery.headers)),
      'dead-letter-reason': reason,
      'last-error': error.slice(0, 1_000),
      attempts,
      'dead-lettered-at': at.toISOString(),
      ...originOf(delivery, queue),
    },
  }
}

/**
 * Where a message came from at first. What was sent again says so in its headers, and comes straight
 * into its queue; of anything else those headers are somebody's invention.
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
 * The headers of a message without those by which the broker sends copies of it to more queues: a
 * letter that has them would come back to where it could not be handled.
 */
const harmless = ({ CC, BCC: _, ...others }: Headers): Headers => ({
  ...others,
  ...(CC !== undefined && { 'original-cc': CC }),
})

const headersOfOrigin = /^original-(cc|queue|exchange|routing-key)$/

/** What deadLetterOf adds, and what the broker does when it dead-letters or counts deliveries. */
const headersOfDeath =
  /^(dead-letter-reason|last-error|attempts|dead-lettered-at)$|^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count)$/

/**
 * The headers of a letter that is sent again: those that its message came with, and where it came from
 * at first, for the case that it dies once more. Not those that send copies of it to more queues,
 * which a letter may have that the broker has written: they have had theirs.
 */
export function headersOfRedrive(headers: Headers): Headers {
  const isInLife = ([name]: [string, unknown]) =>
    ![headersOfDeath, headersOfOrigin, /^B?CC$/].some((those) => those.test(name))
  return { ...Object.fromEntries(Object.entries(headers).filter(isInLife)), ...originIn(headers) }
}

/** As deadLetterOf has written it down; of a letter that the broker has made, as the broker has. */
function originIn(headers: Headers): Headers {
  const written = Object.entries(headers).filter(([name]) => headersOfOrigin.test(name))
  return written.length > 0 ? Object.fromEntries(written) : firstDeathIn(headers)
}

/** The broker adds each death before the others; whoever can publish can write anything there. */
function firstDeathIn({ 'x-death': deaths }: Headers): Headers {
  const first = (Array.isArray(deaths) ? deaths.at(-1) : undefined) as Headers | null | undefined
  const { queue, exchange, 'routing-keys': keys } = first ?? {}
  const key = Array.isArray(keys) ? keys[0] : undefined
  if ([queue, exchange, key].some((value) => typeof value !== 'string')) return {}
  return { 'original-queue': queue, 'original-exchange': exchange, 'original-routing-key': key }
}
