/** What a try came to; undefined when no whole answer came. */
export type Outcome = { status: number; retryAfter: string | null } | undefined

const firstPauseMs = 100
const longestPauseMs = 5_000

/**
 * How long to wait before the next try of a call, or undefined when the answer stands.
 *
 * A 5xx and a lost answer say nothing about the effect: GETs have none, and POSTs go with an
 * Idempotency-Key. `random` is from 0 to 1.
 */
export function pauseBeforeRetry(
  tries: number,
  outcome: Outcome,
  random: number,
): number | undefined {
  if (outcome && !mayPass(outcome)) return undefined
  return retryAfterMs(outcome?.retryAfter ?? null) + backoffMs(tries, random)
}

/** What a Retry-After in seconds says; 0 for its absence, and for any other form. */
export const retryAfterMs = (retryAfter: string | null): number => Number(retryAfter) * 1_000 || 0

/** Doubles from try to try; the random half keeps many clients from coming back as one. */
export function backoffMs(tries: number, random: number): number {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** tries)
  return longest / 2 + (random * longest) / 2
}

/**
 * Whether the same call may go well later. A 409 with Retry-After is the same call, still running.
 */
export const mayPass = ({ status, retryAfter = null }: PassingStatus): boolean =>
  status >= 500 || status === 429 || (status === 409 && retryAfter !== null)

type PassingStatus = { status: number; retryAfter?: string | null }
