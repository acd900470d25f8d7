import { createHash } from 'node:crypto'
import type { Message } from './broker/unacked-messages.ts'

/** A dead letter in a list. */
export interface DeadLetterSummary {
  /** The message id; without one, a name made of the content. */
  id: string
  /** The dead-letter queue. */
  queue: string
  type: string | null
  reason: string
  last_error: string | null
  /** The consumer's count; null if there is none, as when the broker dead-lettered the message. */
  attempts: number | null
  /** The time since the message was dead-lettered; null if unknown. */
  age_ms: number | null
  order_id: string | null
  bytes: number
}

/** A larger message is none of our events, and is not parsed. */
const maxEventBytes = 65_536

/**
 * An entry of `x-death`, the header in which the broker records that it dead-lettered a message.
 * Every publisher can write anything there.
 */
interface Death {
  reason?: unknown
  time?: { value?: unknown } | null
}

/** Summarizes a message that the consumer, or the broker itself, dead-lettered. */
export function summarize(message: Message, queue: string, now: Date): DeadLetterSummary {
  const { content, properties } = message
  const headers = (properties.headers ?? {}) as Record<string, unknown>
  const death = ((headers['x-death'] as unknown[] | undefined)?.[0] ?? {}) as Death
  const { type, orderId } = eventIn(content)
  const xDeathAtMs = (numberOf(death.time?.value) ?? 0) * 1e3
  const deadLetteredAtMs = Date.parse(textOr(headers['dead-lettered-at'])) || xDeathAtMs
  return {
    id: idOf(message),
    queue,
    type: textOr(properties.type) || type || null,
    reason: textOr(headers['dead-letter-reason']) || xDeathReason(textOr(death.reason)),
    last_error: textOr(headers['last-error']) || null,
    attempts: numberOf(headers.attempts),
    age_ms: deadLetteredAtMs > 0 ? Math.max(0, now.getTime() - deadLetteredAtMs) : null,
    order_id: orderId || null,
    bytes: content.length,
  }
}

/** The id of a dead letter. The same message may be dead-lettered twice: both have the same id. */
export function idOf({ content, properties }: Message): string {
  const id: unknown = properties.messageId
  if (typeof id === 'string' && id !== '') return id
  return `nameless-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`
}

/** When an event was created, by its UUIDv7; undefined for any other id. */
export function createdAtMs(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id) ?? []
  return high && low ? Number.parseInt(high + low, 16) : undefined
}

/** From a reason of RabbitMQ: `delivery_limit`, `rejected`, `expired`, `maxlen`. */
const xDeathReason = (reason: string) =>
  reason ? `broker-${reason.replaceAll('_', '-')}` : 'unknown'

/** What an event says of itself; nothing, if the content is none. */
export function eventIn(content: Buffer): { type?: string; orderId?: string } {
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
