import TinyQueue from 'tinyqueue'

/** Simulated time in milliseconds. Nothing happens between two events. */
export class Clock {
  now = 0
  readonly #events = new TinyQueue<{ at: number; act: () => void }>([], (a, b) => a.at - b.at)

  after(ms: number, act: () => void): void {
    this.#events.push({ at: this.now + ms, act })
  }

  /** Until nothing is left to happen, or so many events have. */
  run(most = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < most; count++) {
      const event = this.#events.pop()
      if (!event) return
      this.now = event.at
      event.act()
    }
    throw new Error(`Not finished after ${most} events`)
  }
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** With a mean of 1. */
export const exponential = (random: () => number): number => -Math.log(1 - random())
