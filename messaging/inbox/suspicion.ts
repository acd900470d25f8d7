/** How often the handling of an event was begun, by itself, and came to an end. */
export interface Attempts {
  started: number
  finished: number
}

/** So many starts without an end, and it is the event that ends them. */
const maxUnfinished = 3

/** An event that was delivered before, to a consumer that is gone: it was begun there, perhaps. */
export const deliveredBefore: Attempts = { started: 1, finished: 0 }

const unfinished = ({ started, finished }: Attempts): number => started - finished

/** Whether an event has ended its consumer so often that it must not be tried again. */
export const isKiller = (attempts: Attempts): boolean => unfinished(attempts) >= maxUnfinished

/** Whether it has been alone in the hands of a consumer that died. */
export const isDangerous = (attempts: Attempts): boolean =>
  unfinished(attempts) > unfinished(deliveredBefore)

/**
 * What came back with a dangerous one gets so long to arrive and go first; and what went before it, to
 * be told to those who wait for it: a wake-up that dies with the consumer costs them a second.
 */
export const precedenceMs = 50

/** A dangerous one lets others go first for so long: who comes back again and again must not keep it waiting. */
export const patienceMs = 2_000

/** Something that waits to be tried by itself, since a moment in ms. */
export interface Waiting {
  attempts: Attempts
  sinceMs: number
}

/**
 * Whose turn it is, if it is anybody's yet. A killer is only parked, so it goes at once; the dangerous
 * ones go last, so that they take none along, but not later than their patience allows. `lastMs` is
 * when the last turn ended.
 */
export function nextOf<Suspect extends Waiting>(
  suspects: readonly Suspect[],
  nowMs: number,
  lastMs: number,
): Suspect | undefined {
  const isQuiet = nowMs - lastMs >= precedenceMs
  const hasWaited = ({ sinceMs }: Waiting, ms: number) => nowMs - sinceMs >= ms
  return (
    suspects.find(({ attempts }) => isKiller(attempts)) ??
    suspects.find((one) => isDangerous(one.attempts) && hasWaited(one, patienceMs)) ??
    suspects.find(({ attempts }) => !isDangerous(attempts)) ??
    suspects.find((one) => isQuiet && hasWaited(one, precedenceMs))
  )
}
