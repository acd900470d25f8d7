import type { InTransaction } from '#chassis/database/connect.ts'
import { insertDeferred, limitLockWaits, type NewDeferredEvent } from '../deferral/rows.ts'
import { deleteAttempts, deleteFromInbox, insertIntoInbox } from './rows.ts'
import type { ConsumerOptions, EventResults, IncomingEvent } from './types.ts'

/** The application's part in a transaction. */
export interface Handling<Tables, Event>
  extends Pick<ConsumerOptions<Tables, Event>, 'db' | 'handle' | 'rowLocks'> {
  /** What is kept of the message of a deferred event; without it no event is deferred. */
  messageOf?: (event: Event) => Pick<NewDeferredEvent, 'properties' | 'content'>
  /** Attempts at these events were counted before; the counts go with the transaction. */
  isRetry?: boolean
}

/** Events that are handled together, and what became of them until now. */
interface Batch<Event> {
  events: Event[]
  results: EventResults
}

/**
 * How long a lock is waited for that no row is known by: another consumer has the same event,
 * perhaps.
 */
const otherLockTimeoutMs = 50

/**
 * Effect and memory of events. With `isDeferring`, events that need a locked row are put aside
 * instead. The inbox comes first, with or without: two consumers that have the same events in hand
 * wait for each other there, before they lock anything else.
 */
export const inOneTransaction = <Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
  isDeferring: boolean,
): Promise<EventResults> =>
  handling.db.transaction().execute(async (trx) => {
    const batch: Batch<Event> = { events, results: new Map() }
    if (isDeferring) await limitLockWaits(trx, otherLockTimeoutMs)
    await deduplicate(trx, batch)
    if (isDeferring) await deferLocked(trx, handling, batch)
    await handleNew(trx, handling, batch)
    await forgetUnhandled(trx, batch)
    if (handling.isRetry) await deleteAttempts(trx, [...batch.results.keys()])
    return batch.results
  })

/** Those that nothing has become of yet. */
const openEvents = <Event extends IncomingEvent>({ events, results }: Batch<Event>): Event[] =>
  events.filter(({ id }) => !results.has(id))

async function deduplicate<Event extends IncomingEvent>(
  trx: InTransaction,
  { events, results }: Batch<Event>,
): Promise<void> {
  const newIds = await insertIntoInbox(trx, events)
  for (const { id } of events) if (!newIds.has(id)) results.set(id, { kind: 'duplicate' })
}

/**
 * Puts the events aside that need a row which another transaction has locked, and locks the other
 * rows.
 */
async function deferLocked<Tables, Event extends IncomingEvent>(
  trx: Parameters<Handling<Tables, Event>['handle']>[0],
  { rowLocks, messageOf }: Handling<Tables, Event>,
  batch: Batch<Event>,
): Promise<void> {
  if (!rowLocks || !messageOf) return
  const events = openEvents(batch)
  const keys = new Set(events.map((event) => rowLocks.keyOf(event)))
  const locked = await rowLocks.lockOrSkip(trx, [...keys])
  const waiting = events.filter((event) => locked.has(rowLocks.keyOf(event)))
  if (waiting.length === 0) return
  const rows = waiting.map((event) => ({
    eventId: event.id,
    waitsFor: rowLocks.keyOf(event),
    ...messageOf(event),
  }))
  await insertDeferred(trx, rows)
  for (const { id } of waiting) batch.results.set(id, { kind: 'deferred' })
}

async function handleNew<Tables, Event extends IncomingEvent>(
  trx: Parameters<Handling<Tables, Event>['handle']>[0],
  { handle }: Handling<Tables, Event>,
  batch: Batch<Event>,
): Promise<void> {
  const events = openEvents(batch)
  const outcomes = events.length > 0 ? await handle(trx, events) : []
  for (const [index, { id }] of events.entries()) {
    const outcome = outcomes[index]
    if (!outcome) throw new Error(`The handler returned no outcome for event ${id}`)
    batch.results.set(id, outcome)
  }
}

/** An event that was not handled after all is no duplicate when it comes again. */
async function forgetUnhandled<Event extends IncomingEvent>(
  trx: InTransaction,
  { results }: Batch<Event>,
): Promise<void> {
  const isUnhandled = (kind: string) => kind === 'dead-letter' || kind === 'deferred'
  const unhandled = [...results].flatMap(([id, { kind }]) => (isUnhandled(kind) ? [id] : []))
  if (unhandled.length > 0) await deleteFromInbox(trx, unhandled)
}
