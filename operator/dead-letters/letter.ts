import { createHash } from 'node:crypto'
import type { Letter } from './broker/unacked-messages.ts'

/** A dead letter as an operator sees it in a list. */
export interface LetterSummary {
  /** The message id; of a letter that has none, a name made of its content. */
  id: string
  /** The dead-letter queue that it is in. */
  queue: string
  type: string | null
  reason: string
  last_error: string | null
  /** As the consumer has counted; null if it wrote none, as of a letter that the broker put there. */
  attempts: number | null
  /** How long it has been dead; null if that was not written down. */
  age_ms: number | null
  order_id: string | null
  bytes: number
}

/** More than this is no event of ours, and not worth parsing. */
const maxEventBytes = 65_536

/**
 * The first entry of the header in which the broker writes what it has dead-lettered; whoever can
 * publish can write anything there.
 */
interface Death {
  reason?: unknown
  time?: { value?: unknown } | null
}

/** What can be said of a letter, whoever put it there: the consumer, or the broker by itself. */
export function summarize(letter: Letter, queue: string, now: Date): LetterSummary {
  const { content, properties } = letter
  const headers = (properties.headers ?? {}) as Record<string, unknown>
  const death = ((headers['x-death'] as unknown[] | undefined)?.[0] ?? {}) as Death
  const { type, orderId } = eventIn(content)
  const brokersTimeMs = (numberOf(death.time?.value) ?? 0) * 1e3
  const diedAtMs = Date.parse(textOr(headers['dead-lettered-at'])) || brokersTimeMs
  return {
    id: idOf(letter),
    queue,
    type: textOr(properties.type) || type || null,
    reason: textOr(headers['dead-letter-reason']) || brokersReason(textOr(death.reason)),
    last_error: textOr(headers['last-error']) || null,
    attempts: numberOf(headers.attempts),
    age_ms: diedAtMs > 0 ? Math.max(0, now.getTime() - diedAtMs) : null,
    order_id: orderId || null,
    bytes: content.length,
  }
}

/** Two letters may have the same: the same message, parked twice. */
export function idOf({ content, properties }: Letter): string {
  const id: unknown = properties.messageId
  if (typeof id === 'string' && id !== '') return id
  return `nameless-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`
}

/** When the event was made, as its UUIDv7 says; undefined of any other id. */
export function madeAtMs(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id) ?? []
  return high && low ? Number.parseInt(high + low, 16) : undefined
}

/** Of the broker's own words: `delivery_limit`, `rejected`, `expired`, `maxlen`. */
const brokersReason = (word: string) => (word ? `broker-${word.replaceAll('_', '-')}` : 'unknown')

function eventIn(content: Buffer): { type?: string; orderId?: string } {
  if (content.length > maxEventBytes) return {}
  try {
    const { type, subject, data } = JSON.parse(content.toString())
    return { type: textOr(type), orderId: textOr(data?.order_id) || textOr(subject) }
  } catch {
    return {}
  }
}

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)
