import { randomUUIDv7 } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { Decoded, HandlerResult, MessagingDatabase } from '#messaging/index.ts'

export interface Thing {
  id: string
  type: string
  note?: string
}
export type Handle = (
  trx: Transaction<MessagingDatabase>,
  events: Thing[],
) => Promise<HandlerResult[]>

/** The outcome of an event that a handler dead-letters. */
export const deadLetter = (reason: string, error: string): HandlerResult => ({
  kind: 'dead-letter',
  reason,
  error,
})
export const handled: HandlerResult = { kind: 'handled' }

export const newEvent = (note?: string): Thing => ({
  ...{ id: randomUUIDv7(), type: 'Thing' },
  ...(note && { note }),
})
export const idsOf = (events: Thing[]) => events.map(({ id }) => id).sort()

/** The plain handler: records each event in the table `effects`. */
export const handle: Handle = async (trx, events) => {
  const ids = events.map(({ id }) => id)
  await sql`INSERT INTO effects (event_id) SELECT unnest(${ids}::text[])`.execute(trx)
  return events.map(() => handled)
}

/** The plain handler, with an exception for events with a note. */
export const handleUnless =
  (exception: (event: Thing) => Promise<HandlerResult> | HandlerResult): Handle =>
  async (trx, events) => {
    const plain = events.filter(({ note }) => note === undefined)
    if (plain.length > 0) await handle(trx, plain)
    const outcomes: HandlerResult[] = []
    for (const event of events) {
      outcomes.push(event.note === undefined ? handled : await exception(event))
    }
    return outcomes
  }

export function decode(content: Uint8Array): Decoded<Thing> {
  try {
    return { kind: 'event', event: JSON.parse(new TextDecoder().decode(content)) }
  } catch {
    return { kind: 'invalid', reason: 'not-json', error: 'the message is not JSON' }
  }
}
