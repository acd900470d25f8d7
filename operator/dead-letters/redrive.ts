import { setTimeout as delay } from 'node:timers/promises'
import { originalHeaders } from '#messaging/inbox/dead-letter-message.ts'
import { errorText } from '../cli/error-text.ts'
import type { QueueBrowser } from './broker/queue-browser.ts'
import type { Message } from './broker/unacked-messages.ts'
import { forEachMatching, type Selection } from './dead-letters.ts'
import { createdAtMs, type DeadLetterSummary } from './summary.ts'

export interface Moved {
  letters: DeadLetterSummary[]
  /** Ids of those among them that are older than the inbox remembers. */
  beyond_inbox: string[]
  /** Ids of dead letters that are left in their places because they are older than that. */
  refused: string[]
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
 * inbox drops the duplicate. An event that is older than the inbox remembers is left in its place,
 * unless `isBeyondInbox` says that the ledger is protection enough. Rejects only when nothing was
 * moved: with `conflict` when another operator holds the lock.
 */
export async function redriveDeadLetters(
  browser: QueueBrowser,
  options: MoveOptions & { inboxRetentionMs: number; isBeyondInbox: boolean },
): Promise<Moved> {
  const { inboxRetentionMs, isBeyondInbox } = options
  const horizonMs = Date.now() - inboxRetentionMs + handlingMs
  const isOld = ({ id }: DeadLetterSummary) => (createdAtMs(id) ?? Infinity) < horizonMs
  const isRefused = (letter: DeadLetterSummary) => !isBeyondInbox && isOld(letter)
  const moved = await move(browser, { ...options, isRefused }, (queue, messages) =>
    browser.publishTo(queue, messages.map(redriven)),
  )
  return { ...moved, beyond_inbox: moved.letters.filter(isOld).map(({ id }) => id) }
}

/** In which a redriven event waits in its queue, is handled and retried. */
const handlingMs = 3_600_000

/** Deletes dead letters for good; rejects like `redriveDeadLetters`. */
export const discardDeadLetters = (browser: QueueBrowser, options: MoveOptions): Promise<Moved> =>
  move(browser, { ...options, isRefused: () => false }, async () => {})

async function move(
  browser: QueueBrowser,
  options: MoveOptions & { isRefused: (letter: DeadLetterSummary) => boolean },
  publish: (queue: string, messages: Message[]) => Promise<void>,
): Promise<Moved> {
  const moved: Moved = { letters: [], beyond_inbox: [], refused: [], error: null }
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
          const allowed = matching.filter(({ summary }) => !options.isRefused(summary))
          const messages = allowed.map(({ message }) => message)
          if (!options.dryRun && messages.length > 0) await publish(queue, messages)
          moved.letters.push(...allowed.map(({ summary }) => summary))
          const refused = matching.filter((one) => !allowed.includes(one))
          moved.refused.push(...refused.map(({ summary }) => summary.id))
          return matching.map((one) =>
            options.dryRun || refused.includes(one) ? 'requeue' : 'ack',
          )
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
