/**
 * Equal-jitter exponential backoff: a random whole number of milliseconds between half of the cap
 * and the cap of this attempt, the cap doubling from `baseMs` up to `maxMs`.
 *
 * Source: Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), its "equal
 * jitter" variant: never nearly zero, so that a flapping server is not hammered.
 */
export function backoffMs(attempt: number, { baseMs = 100, maxMs = 5_000 } = {}): number {
  const capMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30))
  return Math.round(capMs / 2 + (Math.random() * capMs) / 2)
}
