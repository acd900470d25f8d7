import { setTimeout as delay } from 'node:timers/promises'
import { originalHeaders } from '#messaging/inbox/dead-letter-message.ts'
import { errorText } from '../cli/table.ts'
import type { QueueBrowser } from './broker/queue-browser.ts'
import type { Message } from './broker/unacked-messages.ts'
import { forEachMatching, type Selection } from './dead-letters.ts'
import { createdAtMs, type DeadLetterSummary } from './summary.ts'

export interface Moved {
  letters: DeadLetterSummary[]
  /** Ids of events that are older than the retention of the inbox. */
  beyond_inbox: string[]
  /**
   * Why the command ended early; all dead letters that are not in `letters` are in their places.
   */
  error: string | null
}

export interface MoveOptions extends Selection {
  dryRun: boolean
  /** Dead letters per second; Infinity for no limit. */
  rate: number
}

/**
 * Publishes dead letters to the queue of their consumer again: same id, body and properties,
 * without the headers of the dead letter except its origin. A dead letter is acknowledged when the
 * broker has confirmed its copy. So after an interruption the message exists once or twice, and the
 * inbox drops the duplicate. Rejects only when nothing was moved: with `conflict` when another
 * operator holds the lock.
 */
export async function redriveDeadLetters(
  browser: QueueBrowser,
  options: MoveOptions & { inboxRetentionMs: number },
): Promise<Moved> {
  const moved = await move(browser, options, (queue, messages) =>
    browser.publishTo(queue, messages.map(redriven)),
  )
  const horizonMs = Date.now() - options.inboxRetentionMs
  const ids = moved.letters.map(({ id }) => id)
  return { ...moved, beyond_inbox: ids.filter((id) => (createdAtMs(id) ?? Infinity) < horizonMs) }
}

/** Deletes dead letters for good; rejects like `redriveDeadLetters`. */
export const discardDeadLetters = (browser: QueueBrowser, options: MoveOptions): Promise<Moved> =>
  move(browser, options, async () => {})

async function move(
  browser: QueueBrowser,
  options: MoveOptions,
  publish: (queue: string, messages: Message[]) => Promise<void>,
): Promise<Moved> {
  const moved: Moved = { letters: [], beyond_inbox: [], error: null }
  await browser.lock()
  const startMs = performance.now()
  // A dry run moves nothing, so it needs no rate, and must not hold the dead letters for long.
  const rate = options.dryRun ? Infinity : options.rate
  try {
    for (const queue of options.queues) {
      await forEachMatching(
        browser,
        queue,
        { ...options, rate },
        moved.letters,
        async (matching) => {
          const dueMs = startMs + (moved.letters.length / rate) * 1_000
          await delay(Math.max(0, dueMs - performance.now()))
          const messages = matching.map(({ message }) => message)
          if (!options.dryRun) await publish(queue, messages)
          moved.letters.push(...matching.map(({ summary }) => summary))
          return options.dryRun ? 'requeue' : 'ack'
        },
      )
    }
  } catch (error) {
    moved.error = errorText(error as Error)
  }
  return moved
}

const redriven = ({ content, properties }: Message): Message => ({
  content,
  properties: { ...properties, headers: originalHeaders(properties.headers ?? {}) },
})
