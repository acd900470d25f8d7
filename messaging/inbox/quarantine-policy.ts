/** How often the handling of an event was begun, by itself, and came to an end. */
export interface Attempts {
  started: number
  finished: number
}

/** After so many starts without an end it is the event that crashes its consumer. */
const maxUnfinished = 3

/** An event that is redelivered after its consumer died: it was begun there, perhaps. */
export const firstRedelivery: Attempts = { started: 1, finished: 0 }

const unfinished = ({ started, finished }: Attempts): number => started - finished

/** Whether an event has crashed its consumer so often that it must not be tried again. */
export const isCrashLoop = (attempts: Attempts): boolean => unfinished(attempts) >= maxUnfinished

/** Whether the event was handled by itself when its consumer died. */
export const hasCrashed = (attempts: Attempts): boolean =>
  unfinished(attempts) > unfinished(firstRedelivery)

/**
 * How long nothing else must have been handled before an event that has crashed is tried: other
 * redeliveries arrive and go first, and the wake-up after the last commit is sent. A wake-up that
 * is lost in a crash costs those who wait for it a second.
 */
export const quietPeriodMs = 50

/**
 * How long an event that has crashed lets others go first: redeliveries without end must not keep
 * it waiting.
 */
export const maxWaitMs = 2_000

/** An event in quarantine, since a moment in ms. */
export interface Quarantined {
  attempts: Attempts
  sinceMs: number
}

/**
 * The event to be handled next, if it is time for any. One in a crash loop is only dead-lettered,
 * so it goes at once. Those that have crashed go last, so that they take no neighbour along, but
 * wait `maxWaitMs` at most. `lastMs` is when the last handling ended.
 */
export function nextOf<Event extends Quarantined>(
  events: readonly Event[],
  nowMs: number,
  lastMs: number,
): Event | undefined {
  const isQuiet = nowMs - lastMs >= quietPeriodMs
  const hasWaited = ({ sinceMs }: Quarantined, ms: number) => nowMs - sinceMs >= ms
  return (
    events.find(({ attempts }) => isCrashLoop(attempts)) ??
    events.find((event) => hasCrashed(event.attempts) && hasWaited(event, maxWaitMs)) ??
    events.find(({ attempts }) => !hasCrashed(attempts)) ??
    events.find((event) => isQuiet && hasWaited(event, quietPeriodMs))
  )
}
