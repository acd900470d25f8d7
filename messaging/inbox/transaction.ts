import type { InTransaction } from '#chassis/database/connect.ts'
import { insertDeferred, limitLockWaits, type NewDeferredEvent } from '../deferral/rows.ts'
import { deleteAttempts, deleteFromInbox, insertIntoInbox } from './rows.ts'
import type { EventResults, InboxOptions, IncomingEvent } from './types.ts'

/**
 * What a transaction does about rows that another transaction has locked. `wait`: it waits for each
 * lock, for `batchLockTimeoutMs` at most (the setting of the session), and then fails. `defer`: it
 * skips locked rows, and puts the events that need one aside.
 */
export type LockMode = 'wait' | 'defer'

/** What the handling of events needs. */
export interface HandlerContext<Tables, Event>
  extends Pick<InboxOptions<Tables, Event>, 'db' | 'handle' | 'rowLocks' | 'observer'> {
  /** What is stored of the message of a deferred event; without it no event is deferred. */
  messageOf?: (event: Event) => Pick<NewDeferredEvent, 'properties' | 'content'>
  /**
   * The events come from quarantine: their attempts were counted, and the transaction deletes the
   * counts.
   */
  isQuarantined?: boolean
}

/** Events that are handled together, and the results known so far. */
interface Batch<Event> {
  events: Event[]
  results: EventResults
}

/**
 * Lock timeout while deferring, for locks outside `rowLocks` (for example the same inbox row in
 * another consumer).
 */
const otherLockTimeoutMs = 50

/**
 * One try to handle a batch: inbox rows, effects and deferred events commit together, or not at
 * all. How a failed try is repeated is in handle-events.ts.
 *
 * The inbox insert is the first statement in both modes: two consumers that have the same events
 * wait for each other there, before they lock anything else.
 */
export const inOneTransaction = <Tables, Event extends IncomingEvent>(
  context: HandlerContext<Tables, Event>,
  mode: LockMode,
  events: Event[],
): Promise<EventResults> =>
  context.db.transaction().execute(async (trx) => {
    const batch: Batch<Event> = { events, results: new Map() }
    if (mode === 'defer') await limitLockWaits(trx, otherLockTimeoutMs)
    await deduplicate(trx, batch)
    if (mode === 'defer') await deferLocked(trx, context, batch)
    await handleNew(trx, context, batch)
    await deleteUnhandled(trx, batch)
    if (context.isQuarantined) await deleteAttempts(trx, [...batch.results.keys()])
    return batch.results
  })

/** Events without a result. */
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
 * Defers the events that need a row which another transaction has locked, and locks the rows of the
 * others.
 */
async function deferLocked<Tables, Event extends IncomingEvent>(
  trx: Parameters<HandlerContext<Tables, Event>['handle']>[0],
  { rowLocks, messageOf }: HandlerContext<Tables, Event>,
  batch: Batch<Event>,
): Promise<void> {
  if (!rowLocks || !messageOf) return
  const events = openEvents(batch)
  const keys = new Set(events.map((event) => rowLocks.keyOf(event)))
  const locked = await rowLocks.lockOrSkip(trx, [...keys])
  const needLockedRow = events.filter((event) => locked.has(rowLocks.keyOf(event)))
  if (needLockedRow.length === 0) return
  const rows = needLockedRow.map((event) => ({
    eventId: event.id,
    waitsFor: rowLocks.keyOf(event),
    ...messageOf(event),
  }))
  await insertDeferred(trx, rows)
  for (const { id } of needLockedRow) batch.results.set(id, { kind: 'deferred' })
}

async function handleNew<Tables, Event extends IncomingEvent>(
  trx: Parameters<HandlerContext<Tables, Event>['handle']>[0],
  { handle }: HandlerContext<Tables, Event>,
  batch: Batch<Event>,
): Promise<void> {
  const events = openEvents(batch)
  const results = events.length > 0 ? await handle(trx, events) : []
  for (const [index, { id }] of events.entries()) {
    const result = results[index]
    if (!result) throw new Error(`The handler returned no result for event ${id}`)
    batch.results.set(id, result)
  }
}

/**
 * Deletes the inbox rows of events without an effect. A dead letter that is redriven, or a deferred
 * event that returns, has the same id: with a row in the inbox it would be dropped as a duplicate.
 */
async function deleteUnhandled<Event extends IncomingEvent>(
  trx: InTransaction,
  { results }: Batch<Event>,
): Promise<void> {
  const isUnhandled = (kind: string) => kind === 'dead-letter' || kind === 'deferred'
  const unhandled = [...results].flatMap(([id, { kind }]) => (isUnhandled(kind) ? [id] : []))
  if (unhandled.length > 0) await deleteFromInbox(trx, unhandled)
}
