import type { Decoded } from './batch.ts'

/** When a message was sent and came, by the clocks of both ends: RFC 3339, milliseconds, UTC. */
export interface Receipt {
  /** Undefined if the sender did not say, or said no time. */
  relayedAt: string | undefined
  receivedAt: string
}

export type Received<Event> = Event & { receipt?: Receipt }

/** A decoder that writes on each event when it was sent and when it came. For people, not for decisions. */
export const withReceipt =
  <Event extends object>(decode: (content: Uint8Array) => Decoded<Event>) =>
  (content: Buffer, headers: Record<string, unknown>): Decoded<Received<Event>> => {
    const decoded = decode(content)
    if (decoded.kind === 'invalid') return decoded
    const receivedAt = new Date().toISOString()
    const receipt = { relayedAt: utcTime(headers['relayed-at']), receivedAt }
    return { kind: 'event', event: { ...decoded.event, receipt } }
  }

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)$/i

/** V8 misreads a fraction of ten digits and more that begins with a zero (findings/date-parse-long-fraction.sh). */
const beyondMilliseconds = /(?<=\.\d{3})\d+/

/** What the readers of a timeline take (contracts/timeline.ts), and the database. */
const readable = /^[1-9]\d{3}-/

/**
 * A time from outside in the one form that we send on and store; undefined for anything else, also for
 * what the schemas take and neither `Date` nor PostgreSQL reads (a leap second).
 * Every time of a message goes through here.
 */
export function utcTime(value: unknown): string | undefined {
  if (typeof value !== 'string' || !rfc3339.test(value)) return undefined
  const ms = Date.parse(value.replace(beyondMilliseconds, ''))
  if (Number.isNaN(ms)) return undefined
  const time = new Date(ms).toISOString() // in UTC it may be of another year, without four digits
  return readable.test(time) ? time : undefined
}
