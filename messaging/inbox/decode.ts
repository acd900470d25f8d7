import type { Delivery } from '../broker/consumer.ts'
import type { Decoded, InboxOptions } from './types.ts'

/** Our events are smaller. */
const maxMessageBytes = 65_536

/** Decodes a delivered message. One that is not believed is not even decoded. */
export function decodeDelivery<Event>(
  { decode, verify }: Pick<InboxOptions<never, Event>, 'decode' | 'verify'>,
  delivery: Delivery,
): Decoded<Event> {
  const { content, headers } = delivery
  if (content.length <= maxMessageBytes) return verify?.(delivery) ?? decode(content, headers)
  const error = `the message has ${content.length} bytes, at most ${maxMessageBytes} are allowed`
  return { kind: 'invalid', reason: 'too-large', error }
}

/**
 * When a message was relayed and received, by the clocks of both ends: RFC 3339, milliseconds, UTC.
 */
export interface DeliveryTimes {
  /** Undefined if the message has no such header, or no time in it. */
  relayedAt: string | undefined
  receivedAt: string
}

/** An event with its delivery times: to inform people, not to decide by. */
export type Delivered<Event> = Event & { deliveryTimes?: DeliveryTimes }

/** A decoder that adds to each event when it was relayed and received. */
export const withDeliveryTimes =
  <Event extends object>(decode: (content: Uint8Array) => Decoded<Event>) =>
  (content: Buffer, headers: Delivery['headers']): Decoded<Delivered<Event>> => {
    const decoded = decode(content)
    if (decoded.kind === 'invalid') return decoded
    const receivedAt = new Date().toISOString()
    const deliveryTimes = { relayedAt: utcTime(headers['relayed-at']), receivedAt }
    return { kind: 'event', event: { ...decoded.event, deliveryTimes } }
  }

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)$/i

/**
 * `Date` misreads fractions of ten digits and more that begin with zeros
 * (findings/date-parse-long-fraction.sh).
 */
const belowMs = /(?<=\.\d{3})\d+/

/** Years that the schema of a timeline (contracts/timeline.ts) and the database accept. */
const readable = /^[1-9]\d{3}-/

/**
 * A time from outside in the one form that we store and send, cut to milliseconds; undefined for
 * anything else, also for a time that the schemas accept and neither `Date` nor PostgreSQL reads (a
 * leap second). Every time of a message goes through here.
 */
export function utcTime(value: unknown): string | undefined {
  if (typeof value !== 'string' || !rfc3339.test(value)) return undefined
  const ms = Date.parse(value.replace(belowMs, ''))
  if (Number.isNaN(ms)) return undefined
  const time = new Date(ms).toISOString() // in UTC it may be of another year, without four digits
  return readable.test(time) ? time : undefined
}
