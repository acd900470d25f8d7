/** The deaths of a program in a row, and the delay of its next restart. */
export type Streak = { deaths: number; delayMs: number }

export const noDeaths: Streak = { deaths: 0, delayMs: 0 }

const firstDelayMs = 100
const maxDelayMs = 5_000
const healthyAfterMs = 10_000

/**
 * The next delay: none after the first death, then doubling up to five seconds. A program that ran
 * for ten seconds was healthy, and its death is a first one again. A message that crashes its
 * consumer does so twice before it is quarantined: the second delay is short for the other
 * messages.
 */
export function nextRestart(streak: Streak, ranMs: number): Streak {
  const deaths = ranMs >= healthyAfterMs ? 1 : streak.deaths + 1
  const delayMs = deaths === 1 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** (deaths - 2))
  return { deaths, delayMs }
}
