import { setTimeout as delay } from 'node:timers/promises'
import { originalHeaders } from '#messaging/inbox/dead-letter-message.ts'
import { sentenceOf } from '../cli/table.ts'
import type { Desk } from './broker/queue-browser.ts'
import type { Letter } from './broker/unacked-messages.ts'
import { visit, type Wanted } from './dead-letters.ts'
import { type LetterSummary, madeAtMs } from './letter.ts'

export interface Moved {
  letters: LetterSummary[]
  /** Ids of those whose event is older than the inbox remembers for certain. */
  beyond_inbox: string[]
  /** Why it ended before its time; what is not among `letters` is where it was. */
  error: string | null
}

export interface Moving extends Wanted {
  dryRun: boolean
  /** Letters per second; Infinity for as fast as it goes. */
  rate: number
}

/**
 * Sends letters to the consumer that could not handle them: the same id, body and properties,
 * without what their death has added but where they came from at first. Each is taken off its queue only when the broker has confirmed
 * the copy: whenever this is interrupted a letter is there once or twice, never not at all, and
 * the inbox makes one effect of two. Rejects only when it could not begin: with `conflict` when
 * another operator is at them.
 */
export async function redriveLetters(
  desk: Desk,
  moving: Moving & { inboxRetentionMs: number },
): Promise<Moved> {
  const moved = await move(desk, moving, (queue, letters) => desk.put(queue, letters.map(alive)))
  const horizonMs = Date.now() - moving.inboxRetentionMs
  const ids = moved.letters.map(({ id }) => id)
  return { ...moved, beyond_inbox: ids.filter((id) => (madeAtMs(id) ?? Infinity) < horizonMs) }
}

/** Takes letters away for good; rejects like `redriveLetters`. */
export const discardLetters = (desk: Desk, moving: Moving): Promise<Moved> =>
  move(desk, moving, async () => {})

async function move(
  desk: Desk,
  moving: Moving,
  send: (queue: string, letters: Letter[]) => Promise<void>,
): Promise<Moved> {
  const moved: Moved = { letters: [], beyond_inbox: [], error: null }
  await desk.lock()
  const startMs = performance.now()
  // Nothing is moved in a dry run: it need not be slow, nor hold the letters for long.
  const rate = moving.dryRun ? Infinity : moving.rate
  try {
    for (const queue of moving.queues) {
      await visit(desk, queue, { ...moving, rate }, moved.letters, async (chosen) => {
        const dueMs = startMs + (moved.letters.length / rate) * 1_000
        await delay(Math.max(0, dueMs - performance.now()))
        if (!moving.dryRun)
          await send(
            queue,
            chosen.map(({ letter }) => letter),
          )
        moved.letters.push(...chosen.map(({ summary }) => summary))
        return moving.dryRun ? 'keep' : 'drop'
      })
    }
  } catch (error) {
    moved.error = sentenceOf(error as Error)
  }
  return moved
}

const alive = ({ content, properties }: Letter): Letter => ({
  content,
  properties: { ...properties, headers: originalHeaders(properties.headers ?? {}) },
})
