import { classify, type FailureClass } from '#chassis/errors.ts'
import { type Handling, inOneTransaction } from './transaction.ts'
import type { EventResults, IncomingEvent } from './types.ts'

/**
 * What a consumer does with events whose transaction has failed; ARCHITECTURE.md has the same
 * table.
 */
export const onFailure: Record<FailureClass, 'hold' | 'defer' | 'begin anew' | 'split'> = {
  unavailable: 'hold',
  slow: 'hold',
  locked: 'defer',
  conflict: 'begin anew',
  item: 'split',
}

/** Whether an event only met a lock of another transaction. */
export const isLocked = (error: unknown): boolean => onFailure[classify(error)] === 'defer'

/**
 * Repetitions of a transaction after conflicts: enough under any load, few enough to notice a bug.
 */
const maxConflicts = 10

/**
 * So many lock waits end a batch that does without locked rows: the rest is tried again one by one.
 */
const maxLockWaits = 20

/**
 * Handles a batch of events with distinct ids and says what became of each.
 *
 * Effect and memory of the events are one transaction. An event that needs a row which another
 * transaction has locked is deferred: the first batch to meet that row waits a moment, then does
 * without, and so do all later ones. A batch that fails is split, down to the event that makes it
 * fail, so that the event never harms its neighbours. Rejects only with what is to be held: then
 * nothing is known, and the same batch can be handled again.
 */
export async function handleEvents<Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
): Promise<EventResults> {
  const { waiting = [], free = [] } = Object.groupBy(events, (event) =>
    handling.rowLocks?.isKnownAsLocked(event) ? 'waiting' : 'free',
  )
  const results = await handleOrSplit(handling, free, undefined)
  const others = await handleOrSplit(handling, waiting, { lockWaitsLeft: maxLockWaits })
  return new Map([...results, ...others])
}

/** `deferring`: what needs a locked row is deferred, and no lock is waited for for long. */
async function handleOrSplit<Tables, Event extends IncomingEvent>(
  handling: Handling<Tables, Event>,
  events: Event[],
  deferring: { lockWaitsLeft: number } | undefined,
): Promise<EventResults> {
  if (events.length === 0) return new Map()
  try {
    return await beginAnew(() => inOneTransaction(handling, events, deferring !== undefined))
  } catch (error) {
    const action = onFailure[classify(error)]
    if (action === 'hold') throw error
    const isWaiting = action === 'defer'
    if (isWaiting && !deferring) {
      return handleOrSplit(handling, events, { lockWaitsLeft: maxLockWaits })
    }
    const isGivenUp = isWaiting && deferring && --deferring.lockWaitsLeft < 0
    if (events.length === 1 || isGivenUp) return retryEach(events, error)
    const half = Math.ceil(events.length / 2)
    const left = await handleOrSplit(handling, events.slice(0, half), deferring)
    const right = await handleOrSplit(handling, events.slice(half), deferring)
    return new Map([...left, ...right])
  }
}

const retryEach = (events: IncomingEvent[], error: unknown): EventResults =>
  new Map(events.map(({ id }) => [id, { kind: 'retry', eventId: id, error }]))

/** After a conflict the transaction sees what the other one did. */
async function beginAnew<T>(transaction: () => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await transaction()
    } catch (error) {
      const isConflict = onFailure[classify(error)] === 'begin anew'
      if (!isConflict || conflicts === maxConflicts) throw error
    }
  }
}
