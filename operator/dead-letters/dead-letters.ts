import { deadLetterQueue } from '#messaging/broker/topology.ts'
import type { Desk, Verdict } from './broker/queue-browser.ts'
import { type Letter, lettersAtOnce } from './broker/unacked-messages.ts'
import { idOf, type LetterSummary, summarize } from './letter.ts'

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
    listed.total += await visit(desk, queue, wanted, listed.letters, async (chosen) => {
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

/** One that is looked at. */
export interface Chosen {
  letter: Letter
  summary: LetterSummary
}

/**
 * Shows the wanted ones among the letters of a queue, until there are as many as the limit says.
 * Returns how many are in the queue, wanted or not.
 */
export async function visit(
  desk: Desk,
  queue: string,
  { ids, limit, rate = Infinity }: Wanted & { rate?: number },
  found: readonly unknown[],
  look: (chosen: Chosen[]) => Promise<Verdict>,
): Promise<number> {
  const name = deadLetterQueue(queue)
  const atOnce = Math.max(1, Math.min(lettersAtOnce, Math.floor(rate / 10)))
  const takeNext = () => {
    const room = limit - found.length
    return room > 0 && ids ? atOnce : Math.min(room, atOnce)
  }
  return desk.sort(name, takeNext, async (letters) => {
    const room = limit - found.length
    const wanted = letters.filter((letter) => !ids || ids.has(idOf(letter))).slice(0, room)
    if (wanted.length === 0) return []
    const now = new Date()
    const chosen = wanted.map((letter) => ({ letter, summary: summarize(letter, name, now) }))
    const verdict = await look(chosen)
    return letters.map((letter) => (wanted.includes(letter) ? verdict : 'keep'))
  })
}

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
