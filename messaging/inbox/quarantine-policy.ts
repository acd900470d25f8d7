/** How often the handling of an event in quarantine was started, and finished. */
export interface Attempts {
  started: number
  finished: number
}

/** Of an event whose consumer died, and which was not tried again since. */
export const untried: Attempts = { started: 0, finished: 0 }

/**
 * After so many starts without an end, the event is taken for the one that crashes its consumer.
 * Only the first of them may be with others, so two such crashes are the event's alone.
 */
const maxUnfinished = 3

const unfinished = ({ started, finished }: Attempts): number => started - finished

const isUntried = ({ started }: Attempts): boolean => started === 0

/** Whether an event has crashed its consumer so often that it must not be handled again. */
export const isCrashLoop = (attempts: Attempts): boolean => unfinished(attempts) >= maxUnfinished

/** Whether the event was handled alone when its consumer died. */
export const hasCrashed = (attempts: Attempts): boolean => unfinished(attempts) > 1

/**
 * So many untried events go together: few, since each of them goes alone if their consumer dies,
 * and enough to handle a whole prefetch ten times as fast as one by one.
 */
const togetherMax = 20

/**
 * Idle time before a crashed event is tried: other redeliveries arrive and are handled first, and
 * the relay notification after the last commit is sent. A notification that is lost in a crash
 * delays its events until the relay's next poll (2.5 s).
 */
export const quietPeriodMs = 50

/** Longest wait of a tried event: an endless series of redeliveries must not keep it waiting. */
export const maxWaitMs = 2_000

/** An event in quarantine, since a moment in ms. */
export interface Quarantined {
  attempts: Attempts
  sinceMs: number
}

/**
 * The events to handle next, none if none is due. Untried events go together, all others alone. An
 * event in a crash loop is due at once, since it is only dead-lettered. Events that have crashed
 * are last, so that no neighbour dies with them, but no event that was tried waits longer than
 * `maxWaitMs`. `lastMs` is when the last handling ended.
 */
export function nextOf<Event extends Quarantined>(
  events: readonly Event[],
  nowMs: number,
  lastMs: number,
): Event[] {
  const isQuiet = nowMs - lastMs >= quietPeriodMs
  const hasWaited = ({ sinceMs }: Quarantined, ms: number) => nowMs - sinceMs >= ms
  const tried = events.filter(({ attempts }) => !isUntried(attempts))
  const urgent =
    tried.find(({ attempts }) => isCrashLoop(attempts)) ??
    tried.find((event) => hasWaited(event, maxWaitMs))
  if (urgent) return [urgent]
  const together = events.filter(({ attempts }) => isUntried(attempts)).slice(0, togetherMax)
  if (together.length > 0) return together
  const alone =
    tried.find(({ attempts }) => !hasCrashed(attempts)) ??
    tried.find((event) => isQuiet && hasWaited(event, quietPeriodMs))
  return alone ? [alone] : []
}
