import type { Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import { insertDeferred, limitLockWaits, type NewDeferredEvent } from './deferred-rows.ts'
import type { Ending, Endings, IncomingEvent, Outcome } from './handle.ts'
import type { RowLocks } from './row-locks.ts'
import { forgetAttempts, forgetEvents, rememberEvents, type WithInbox } from './rows.ts'

export interface Handling<Tables, Event> {
  db: Database<Tables>
  /** Does the effect of new events in the transaction; one outcome for each, in their order. */
  handle: (trx: Transaction<Tables>, events: Event[]) => Promise<Outcome[]>
  /** Whether attempts at these events were counted before; the counts go with their handling. */
  triedBefore?: boolean
  /** How events wait elsewhere for rows that somebody else has locked; without it, in our hands. */
  deferral?: Deferral<Tables, Event> | undefined
}

export interface Deferral<Tables, Event> {
  rowLocks: RowLocks<Tables, Event>
  messageOf: (event: Event) => Pick<NewDeferredEvent, 'properties' | 'content'>
}

/** How long a lock is waited for that no row is known by: somebody handles the same event, perhaps. */
const otherLockTimeoutMs = 50

/**
 * Effect and memory of events. With `isDeferring`, those that need a locked row are put aside
 * instead. The memory comes first, in whatever mode: two that have the same events in hand wait for
 * each other here, before they lock anything else.
 */
export const inOneTransaction = <Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
  isDeferring: boolean,
): Promise<Endings> =>
  handling.db.transaction().execute(async (trx) => {
    const inbox = trx as unknown as Transaction<WithInbox>
    if (isDeferring) await limitLockWaits(inbox, otherLockTimeoutMs)
    const fresh = await rememberEvents(inbox, events)
    const news = events.filter(({ id }) => fresh.has(id))
    const deferred = isDeferring
      ? await deferLocked(trx, handling.deferral, news)
      : new Set<Event>()
    const doable = news.filter((event) => !deferred.has(event))
    const outcomes = doable.length > 0 ? await handling.handle(trx, doable) : []
    const endings = new Map<string, Ending>(events.map(({ id }) => [id, { kind: 'duplicate' }]))
    for (const { id } of deferred) endings.set(id, { kind: 'deferred' })
    for (const [index, { id }] of doable.entries()) {
      const outcome = outcomes[index]
      if (!outcome) throw new Error(`The handler said nothing of event ${id}`)
      endings.set(id, outcome)
    }
    const undone = [...endings].filter(([, { kind }]) => kind === 'park' || kind === 'deferred')
    if (undone.length > 0)
      await forgetEvents(
        inbox,
        undone.map(([id]) => id),
      )
    if (handling.triedBefore) await forgetAttempts(inbox, [...endings.keys()])
    return endings
  })

/** Puts those events aside that need a row which somebody else has locked, and locks the other rows. */
async function deferLocked<Tables, Event extends IncomingEvent>(
  trx: Transaction<Tables>,
  deferral: Deferral<Tables, Event> | undefined,
  events: Event[],
): Promise<Set<Event>> {
  if (!deferral) return new Set()
  const { rowLocks, messageOf } = deferral
  const keys = new Set(events.map((event) => rowLocks.keyOf(event)))
  const locked = await rowLocks.lockOrSkip(trx, [...keys])
  const waiting = events.filter((event) => locked.has(rowLocks.keyOf(event)))
  const rows = waiting.map((event) => ({
    eventId: event.id,
    waitsFor: rowLocks.keyOf(event),
    ...messageOf(event),
  }))
  if (rows.length > 0) await insertDeferred(trx as unknown as Transaction<WithInbox>, rows)
  return new Set(waiting)
}
