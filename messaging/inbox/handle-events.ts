import { classify, type FailureClass } from '#chassis/errors.ts'
import { type HandlerContext, inOneTransaction, type LockMode } from './transaction.ts'
import type { EventResults, IncomingEvent } from './types.ts'

/**
 * What a consumer does with events whose transaction has failed; ARCHITECTURE.md has the same
 * table.
 */
export const onFailure: Record<FailureClass, 'hold' | 'defer' | 'restart' | 'split'> = {
  unavailable: 'hold',
  slow: 'hold',
  locked: 'defer',
  conflict: 'restart',
  fault: 'split',
}

/** Whether an event only met a lock of another transaction. */
export const isLocked = (error: unknown): boolean => onFailure[classify(error)] === 'defer'

/** Restarts of a transaction after conflicts: enough under any load, few enough to notice a bug. */
const maxConflicts = 10

/** After so many lock timeouts, the rest of a deferring batch is retried one by one. */
const maxLockWaits = 20

/**
 * Handles a batch of events with distinct ids, and returns the result of each.
 *
 * Inbox rows and effects are one transaction (transaction.ts). Each batch begins in mode `wait`;
 * when a lock is not free in time, the same batch is handled in mode `defer`, which puts the events
 * aside that need a locked row. Events whose row was locked lately begin in mode `defer`. A batch
 * that fails otherwise is split, down to the event that fails alone, so that the event never harms
 * its neighbours.
 *
 * Rejects only with failures that hold the batch: then no result is known, and the same batch can
 * be handled again.
 */
export async function handleEvents<Tables, Event extends IncomingEvent>(
  context: HandlerContext<Tables, Event>,
  events: Event[],
): Promise<EventResults> {
  const { needLockedRow = [], others = [] } = Object.groupBy(events, (event) =>
    context.rowLocks?.wasLockedLately(event) ? 'needLockedRow' : 'others',
  )
  const results = await handleOrSplit(context, 'wait', others)
  const deferred = await handleOrSplit(context, 'defer', needLockedRow)
  return new Map([...results, ...deferred])
}

/** `lockWaits` is shared by all parts of a deferring batch, and not used in mode `wait`. */
async function handleOrSplit<Tables, Event extends IncomingEvent>(
  context: HandlerContext<Tables, Event>,
  mode: LockMode,
  events: Event[],
  lockWaits = { left: maxLockWaits },
): Promise<EventResults> {
  if (events.length === 0) return new Map()
  try {
    return await restartOnConflict(() => observed(context, mode, events))
  } catch (error) {
    const action = onFailure[classify(error)]
    if (action === 'hold') throw error
    if (action === 'defer' && mode === 'wait') return handleOrSplit(context, 'defer', events)
    const isGivenUp = action === 'defer' && --lockWaits.left < 0
    if (events.length === 1 || isGivenUp) return retryEach(events, error)
    const half = Math.ceil(events.length / 2)
    const left = await handleOrSplit(context, mode, events.slice(0, half), lockWaits)
    const right = await handleOrSplit(context, mode, events.slice(half), lockWaits)
    return new Map([...left, ...right])
  }
}

/** A transaction whose failure is measured. */
async function observed<Tables, Event extends IncomingEvent>(
  context: HandlerContext<Tables, Event>,
  mode: LockMode,
  events: Event[],
): Promise<EventResults> {
  try {
    return await inOneTransaction(context, mode, events)
  } catch (error) {
    context.observer?.transactionFailed?.(error)
    throw error
  }
}

const retryEach = (events: IncomingEvent[], error: unknown): EventResults =>
  new Map(events.map(({ id }) => [id, { kind: 'retry', eventId: id, error }]))

/** The restarted transaction sees what the other one committed. */
async function restartOnConflict<T>(transaction: () => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await transaction()
    } catch (error) {
      const isConflict = onFailure[classify(error)] === 'restart'
      if (!isConflict || conflicts === maxConflicts) throw error
    }
  }
}
