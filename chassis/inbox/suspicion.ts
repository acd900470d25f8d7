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

/** Those first that have the fewest deaths to answer for, so that a killer takes none along. */
export const mostInnocentFirst = <Suspect extends { attempts: Attempts }>(
  suspects: readonly Suspect[],
): Suspect[] => suspects.toSorted((a, b) => unfinished(a.attempts) - unfinished(b.attempts))
