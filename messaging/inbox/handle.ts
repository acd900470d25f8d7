import { isCode } from '#chassis/errors.ts'
import { type Handling, inOneTransaction } from './one-transaction.ts'

export interface IncomingEvent {
  id: string
  type: string
}

/** What a handler says of an event. */
export type Outcome = { kind: 'handled' } | { kind: 'park'; reason: string; error: string }

/**
 * How an event ended. `deferred`: it waits in the database for a row that somebody else has locked.
 * `retry`: it failed alone, for a reason that may pass.
 */
export type Ending =
  | Outcome
  | { kind: 'duplicate' }
  | { kind: 'deferred' }
  | { kind: 'retry'; eventId: string; error: unknown }

export type Endings = Map<string, Ending>

/** Repetitions of a transaction that met another; enough for any crowd, few enough to notice a bug. */
const maxConflicts = 10

/** So many lock waits end a batch that does without locked rows: the rest is tried again one by one. */
const maxLockWaits = 20

/**
 * Handles a batch of events with distinct ids and says how each ended.
 *
 * Effect and memory of the events are one transaction. What needs a row that somebody else has locked
 * is deferred: the first batch to meet it waits a moment, then does without, and so do all later ones.
 * A batch that fails is split, down to the event that makes it fail, so that it never harms its
 * neighbours. Rejects only with `unavailable` or `slow`: then nothing is known, and the same batch can
 * be handled again.
 */
export async function handleEvents<Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
): Promise<Endings> {
  const isLocked = (event: Event) => handling.deferral?.rowLocks.isKnownAsLocked(event) === true
  const { waiting = [], free = [] } = Object.groupBy(events, (event) =>
    isLocked(event) ? 'waiting' : 'free',
  )
  const endings = await handleOrSplit(handling, free, undefined)
  const others = await handleOrSplit(handling, waiting, { lockWaitsLeft: maxLockWaits })
  return new Map([...endings, ...others])
}

/** `deferring`: what needs a locked row is deferred, and no lock is waited for for long. */
async function handleOrSplit<Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
  deferring: { lockWaitsLeft: number } | undefined,
): Promise<Endings> {
  const [first] = events
  if (!first) return new Map()
  try {
    return await withoutConflicts(() => inOneTransaction(handling, events, deferring !== undefined))
  } catch (error) {
    if (isCode(error, 'unavailable') || isCode(error, 'slow')) throw error
    const isLocked = isCode(error, 'locked')
    if (isLocked && !deferring) {
      return handleOrSplit(handling, events, { lockWaitsLeft: maxLockWaits })
    }
    const isOver = isLocked && deferring && --deferring.lockWaitsLeft < 0
    if (events.length === 1 || isOver) return allTriedAgain(events, error)
    const half = Math.ceil(events.length / 2)
    const left = await handleOrSplit(handling, events.slice(0, half), deferring)
    const right = await handleOrSplit(handling, events.slice(half), deferring)
    return new Map([...left, ...right])
  }
}

const allTriedAgain = (events: IncomingEvent[], error: unknown): Endings =>
  new Map(events.map(({ id }) => [id, { kind: 'retry', eventId: id, error }]))

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
