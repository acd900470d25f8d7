/** How often the handling of an event alone was started, and finished. */
export interface Attempts {
  started: number
  finished: number
}

/**
 * After so many starts without an end, the event is taken for the one that crashes its consumer.
 */
const maxUnfinished = 3

/** The first redelivery counts as one start: the dead consumer may have started it. */
export const firstRedelivery: Attempts = { started: 1, finished: 0 }

const unfinished = ({ started, finished }: Attempts): number => started - finished

/** Whether an event has crashed its consumer so often that it must not be handled again. */
export const isCrashLoop = (attempts: Attempts): boolean => unfinished(attempts) >= maxUnfinished

/** Whether the event was handled alone when its consumer died. */
export const hasCrashed = (attempts: Attempts): boolean =>
  unfinished(attempts) > unfinished(firstRedelivery)

/**
 * Idle time before a crashed event is tried: other redeliveries arrive and are handled first, and
 * the relay notification after the last commit is sent. A notification that is lost in a crash
 * delays its events until the relay's next poll (2.5 s).
 */
export const quietPeriodMs = 50

/** Longest wait of a crashed event: an endless series of redeliveries must not keep it waiting. */
export const maxWaitMs = 2_000

/** An event in quarantine, since a moment in ms. */
export interface Quarantined {
  attempts: Attempts
  sinceMs: number
}

/**
 * The event to handle next, or undefined if none is due. An event in a crash loop is due at once,
 * since it is only dead-lettered. Events that have crashed are last, so that no neighbour dies with
 * them, but wait `maxWaitMs` at most. `lastMs` is when the last handling ended.
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
