import type { Transaction } from 'kysely'
import type { Database } from '../database/connect.ts'
import { isCode } from '../errors.ts'
import { forgetAttempts, forgetEvents, rememberEvents, type WithInbox } from './rows.ts'

export interface IncomingEvent {
  id: string
  type: string
}

/** What a handler says of an event. */
export type Outcome = { kind: 'handled' } | { kind: 'park'; reason: string; error: string }

/** How an event ended. `retry`: it failed alone, for a reason that may pass. */
export type Ending =
  | Outcome
  | { kind: 'duplicate' }
  | { kind: 'retry'; eventId: string; error: unknown }

export interface Handling<Tables extends WithInbox, Event extends IncomingEvent> {
  db: Database<Tables>
  /** Does the effect of new events in the transaction; one outcome for each, in their order. */
  handle: (trx: Transaction<Tables>, events: Event[]) => Promise<Outcome[]>
  /** Whether attempts at these events were counted before; the counts go with their handling. */
  triedBefore?: boolean
}

/** Repetitions of a transaction that met another; enough for any crowd, few enough to notice a bug. */
const maxConflicts = 10

/**
 * Handles a batch of events with distinct ids and says how each ended.
 *
 * Effect and memory of the events are one transaction. A batch that fails is split, down to the
 * event that makes it fail, so that it never harms its neighbours. Rejects only with `unavailable`:
 * then nothing is known, and the same batch can be handled again.
 */
export async function handleEvents<Tables extends WithInbox, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
): Promise<Map<string, Ending>> {
  if (events.length === 0) return new Map()
  try {
    return await withoutConflicts(() => inOneTransaction(handling, events))
  } catch (error) {
    if (isCode(error, 'unavailable')) throw error
    const [first, ...rest] = events
    if (first && rest.length === 0) {
      return new Map([[first.id, { kind: 'retry', eventId: first.id, error }]])
    }
    const half = Math.ceil(events.length / 2)
    const left = await handleEvents(handling, events.slice(0, half))
    const right = await handleEvents(handling, events.slice(half))
    return new Map([...left, ...right])
  }
}

async function inOneTransaction<Tables extends WithInbox, Event extends IncomingEvent>(
  { db, handle, triedBefore = false }: Handling<Tables, Event>,
  events: Event[],
): Promise<Map<string, Ending>> {
  return db.transaction().execute(async (trx) => {
    const inbox = trx as unknown as Transaction<WithInbox>
    const fresh = await rememberEvents(inbox, events)
    const news = events.filter(({ id }) => fresh.has(id))
    const outcomes = news.length > 0 ? await handle(trx, news) : []
    const endings = new Map<string, Ending>(events.map(({ id }) => [id, { kind: 'duplicate' }]))
    for (const [index, { id }] of news.entries()) {
      const outcome = outcomes[index]
      if (!outcome) throw new Error(`The handler said nothing of event ${id}`)
      endings.set(id, outcome)
    }
    const parked = [...endings].filter(([, { kind }]) => kind === 'park').map(([id]) => id)
    if (parked.length > 0) await forgetEvents(inbox, parked)
    if (triedBefore) await forgetAttempts(inbox, [...endings.keys()])
    return endings
  })
}

/** Begins anew when another transaction was in the way: it will see what that one did. */
async function withoutConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await transaction()
    } catch (error) {
      if (!isCode(error, 'conflict') || conflicts === maxConflicts) throw error
    }
  }
}
