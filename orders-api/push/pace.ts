/** How fast a client may ask. */
export interface PaceLimits {
  perSecond: number
  /** So many at once, after a rest. */
  burst: number
  /** So many may wait for their turn. */
  waiting: number
}

/**
 * A token bucket: whoever asks takes a token, and waits until there is one. Decides only: the
 * caller has the clock, and waits.
 *
 * Source of the form with one number: the generic cell rate algorithm, ITU-T I.371.
 */
export class Pace {
  readonly #intervalMs: number
  readonly #burstMs: number
  readonly #maxWaitMs: number
  /** When the bucket is full again. */
  #fullAtMs = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burst, waiting }: PaceLimits) {
    this.#intervalMs = 1_000 / perSecond
    this.#burstMs = burst * this.#intervalMs
    this.#maxWaitMs = waiting * this.#intervalMs
  }

  /** Takes a token. Returns when it may be used, or `too-fast` when too many wait already. */
  take(nowMs: number): number | 'too-fast' {
    const fullAtMs = Math.max(this.#fullAtMs, nowMs) + this.#intervalMs
    const dueMs = Math.max(nowMs, fullAtMs - this.#burstMs)
    if (dueMs - nowMs > this.#maxWaitMs) return 'too-fast'
    this.#fullAtMs = fullAtMs
    return dueMs
  }
}

/** Bursts are of two seconds' worth; what five seconds would take may wait. */
export const paceOf = (perSecond: number): PaceLimits => ({
  perSecond,
  burst: 2 * perSecond,
  waiting: 5 * perSecond,
})
