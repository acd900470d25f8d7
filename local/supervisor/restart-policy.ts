/** How often something died in a row, and how long to wait before it is started again. */
export type Streak = { deaths: number; delayMs: number }

export const noDeaths: Streak = { deaths: 0, delayMs: 0 }

const firstDelayMs = 100
const longestDelayMs = 5_000
const healthyAfterMs = 10_000

/**
 * The next wait: none after the first death, then doubling up to five seconds. What ran for ten
 * seconds was healthy, and its death is a first one again. A message that kills its consumer does so
 * twice before its neighbours are handled first: the second wait is short for their sake.
 */
export function nextRestart(streak: Streak, ranMs: number): Streak {
  const deaths = ranMs >= healthyAfterMs ? 1 : streak.deaths + 1
  const delayMs = deaths === 1 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (deaths - 2))
  return { deaths, delayMs }
}
