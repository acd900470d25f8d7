import { setTimeout as delay } from 'node:timers/promises'
import { type Desk, type Letter, lettersAtOnce, type Verdict } from '#chassis/broker/desk.ts'
import { deadLetterQueue } from '#chassis/broker/topology.ts'
import { headersInLife } from '#chassis/inbox/dead-letter.ts'
import { idOf, type LetterSummary, madeAtMs, summarize } from './letter.ts'

/** Which letters: those of some consumers' queues, all or by their ids. */
export interface Wanted {
  /** Names of consumers; their letters are in `<name>.dlq`. */
  queues: readonly string[]
  /** All when there are none. */
  ids?: ReadonlySet<string> | undefined
  /** At most so many. */
  limit: number
}

export interface Listed {
  letters: LetterSummary[]
  /** How many there are, listed or not. */
  total: number
}

/** The letters in their order, put back as they were. Keeps only what it says of each. */
export async function listLetters(desk: Desk, wanted: Wanted): Promise<Listed> {
  const listed: Listed = { letters: [], total: 0 }
  for (const queue of wanted.queues) {
    listed.total += (await desk.stateOf(deadLetterQueue(queue))).messages ?? 0
    await visit(desk, queue, wanted, listed.letters, async (chosen) => {
      listed.letters.push(...chosen.map(({ summary }) => summary))
      return 'keep'
    })
  }
  return listed
}

export interface OpenLetter extends LetterSummary {
  properties: Record<string, unknown>
  headers: Record<string, unknown>
  /** The text; null if it is not UTF-8. */
  body: string | null
  /** The same in base64, if it is no text. */
  body_base64: string | null
}

/** The letters of one id, with all that they hold. */
export async function openLetters(desk: Desk, wanted: Wanted): Promise<OpenLetter[]> {
  const opened: OpenLetter[] = []
  for (const queue of wanted.queues) {
    await visit(desk, queue, wanted, opened, async (chosen) => {
      opened.push(...chosen.map(open))
      return 'keep'
    })
  }
  return opened
}

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
 * without what their death has added. Each is taken off its queue only when the broker has confirmed
 * the copy: whenever this is interrupted a letter is there once or twice, never not at all, and
 * the inbox makes one effect of two.
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

/** Takes letters away for good. */
export const discardLetters = (desk: Desk, moving: Moving): Promise<Moved> =>
  move(desk, moving, async () => {})

async function move(
  desk: Desk,
  moving: Moving,
  send: (queue: string, letters: Letter[]) => Promise<void>,
): Promise<Moved> {
  const moved: Moved = { letters: [], beyond_inbox: [], error: null }
  const startMs = performance.now()
  try {
    for (const queue of moving.queues) {
      await visit(desk, queue, moving, moved.letters, async (chosen) => {
        const dueMs = startMs + (moved.letters.length / moving.rate) * 1_000
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
    moved.error = (error as Error).message
  }
  return moved
}

interface Chosen {
  letter: Letter
  summary: LetterSummary
}

/** Shows the wanted ones among the letters of a queue, until there are as many as the limit says. */
async function visit(
  desk: Desk,
  queue: string,
  { ids, limit, rate = Infinity }: Wanted & { rate?: number },
  found: readonly unknown[],
  look: (chosen: Chosen[]) => Promise<Verdict>,
): Promise<void> {
  const name = deadLetterQueue(queue)
  const atOnce = Math.max(1, Math.min(lettersAtOnce, Math.floor(rate / 10)))
  const takeNext = () => {
    const room = limit - found.length
    return room > 0 && ids ? atOnce : Math.min(room, atOnce)
  }
  await desk.sort(name, takeNext, async (letters) => {
    const room = limit - found.length
    const wanted = letters.filter((letter) => !ids || ids.has(idOf(letter))).slice(0, room)
    if (wanted.length === 0) return []
    const now = new Date()
    const chosen = wanted.map((letter) => ({ letter, summary: summarize(letter, name, now) }))
    const verdict = await look(chosen)
    return letters.map((letter) => (wanted.includes(letter) ? verdict : 'keep'))
  })
}

const alive = ({ content, properties }: Letter): Letter => ({
  content,
  properties: { ...properties, headers: headersInLife(properties.headers ?? {}) },
})

function open({ letter: { content, properties }, summary }: Chosen): OpenLetter {
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
