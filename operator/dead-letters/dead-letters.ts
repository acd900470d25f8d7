import { deadLetterQueue } from '#messaging/broker/topology.ts'
import type { Disposition, QueueBrowser } from './broker/queue-browser.ts'
import { type Message, prefetchSize } from './broker/unacked-messages.ts'
import { type DeadLetterSummary, idOf, summarize } from './summary.ts'

/** Selects dead letters of some consumers: all of them, or those with certain ids. */
export interface Selection {
  /** Names of consumers, whose dead letters are in `<name>.dlq`. */
  queues: readonly string[]
  /** All dead letters when undefined. */
  ids?: ReadonlySet<string> | undefined
  /** The maximum number of dead letters. */
  limit: number
}

export interface Listed {
  letters: DeadLetterSummary[]
  /** The number of all dead letters, listed or not. */
  total: number
}

/** Lists dead letters in their order, and requeues each. Keeps only the summaries in memory. */
export async function listDeadLetters(
  browser: QueueBrowser,
  selection: Selection,
): Promise<Listed> {
  const listed: Listed = { letters: [], total: 0 }
  for (const queue of selection.queues) {
    const list = async (matching: Matching[]): Promise<Disposition[]> => {
      listed.letters.push(...matching.map(({ summary }) => summary))
      return matching.map(() => 'requeue')
    }
    listed.total += await forEachMatching(browser, queue, selection, listed.letters, list)
  }
  return listed
}

export interface DeadLetterDetails extends DeadLetterSummary {
  properties: Record<string, unknown>
  headers: Record<string, unknown>
  /** The body as text; null if the body is not UTF-8. */
  body: string | null
  /** The body in base64, if it is not UTF-8. */
  body_base64: string | null
}

/** Reads dead letters with their properties, headers and bodies, and requeues each. */
export async function readDeadLetters(
  browser: QueueBrowser,
  selection: Selection,
): Promise<DeadLetterDetails[]> {
  const found: DeadLetterDetails[] = []
  for (const queue of selection.queues) {
    await forEachMatching(browser, queue, selection, found, async (matching) => {
      found.push(...matching.map(detailsOf))
      return matching.map(() => 'requeue')
    })
  }
  return found
}

/** A selected dead letter. */
export interface Matching {
  message: Message
  summary: DeadLetterSummary
}

/**
 * Passes the selected dead letters of a queue to `handle`, a portion at a time, until `found` has
 * as many as the limit, and acknowledges or requeues each as `handle` says. Returns the number of
 * all messages in the queue.
 */
export async function forEachMatching(
  browser: QueueBrowser,
  queue: string,
  { ids, limit, rate = Infinity }: Selection & { rate?: number },
  found: readonly unknown[],
  handle: (matching: Matching[]) => Promise<Disposition[]>,
): Promise<number> {
  const name = deadLetterQueue(queue)
  const size = Math.max(1, Math.min(prefetchSize, Math.floor(rate / 10)))
  const nextCount = () => {
    const missing = limit - found.length
    return missing > 0 && ids ? size : Math.min(missing, size)
  }
  return browser.browse(name, nextCount, async (messages) => {
    const missing = limit - found.length
    const selected = messages.filter((one) => !ids || ids.has(idOf(one))).slice(0, missing)
    if (selected.length === 0) return []
    const now = new Date()
    const matching = selected.map((message) => ({
      message,
      summary: summarize(message, name, now),
    }))
    const dispositions = await handle(matching)
    return messages.map((message) => dispositions[selected.indexOf(message)] ?? 'requeue')
  })
}

function detailsOf({ message: { content, properties }, summary }: Matching): DeadLetterDetails {
  const { headers = {}, ...others } = properties
  const text = decode(content)
  return {
    ...summary,
    properties: Object.fromEntries(
      Object.entries(others).filter(([, value]) => value !== undefined),
    ),
    headers,
    body: text ?? null,
    body_base64: text === undefined ? content.toString('base64') : null,
  }
}

function decode(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return undefined
  }
}
