/** How long a turn may take before its loop counts as standing still. */
export const turnLimitMs = 30_000

/**
 * A loop that has to complete a turn again and again, and whether it still does. Turns side by side
 * have a lane each.
 */
export class Loop {
  readonly name: string
  readonly #limitMs: number
  readonly #lanes = new Set<Lane>()

  constructor(name: string, limitMs = turnLimitMs) {
    this.name = name
    this.#limitMs = limitMs
  }

  /** Begins a lane, and its first turn with it. */
  lane(): Lane {
    const lane = new Lane(() => this.#lanes.delete(lane))
    this.#lanes.add(lane)
    return lane
  }

  /**
   * How long ago the lane that is furthest behind completed a turn. The time in which a lane had
   * nothing to do is not counted. 0 without a lane.
   */
  get ageMs(): number {
    return Math.max(0, ...[...this.#lanes].map(({ ageMs }) => ageMs))
  }

  /** For a readiness check: throws when no turn was completed for longer than the limit. */
  assertTurning(): void {
    const { ageMs } = this
    if (ageMs <= this.#limitMs) return
    throw new Error(`no turn was completed for ${Math.round(ageMs / 1_000)} s: ${this.name}`)
  }
}

/** One activity of a loop. */
export class Lane {
  /** When the last turn was completed, moved on by the time without work. */
  #sinceMs = performance.now()
  #idleSinceMs: number | undefined
  readonly #onEnd: () => void

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  get ageMs(): number {
    return (this.#idleSinceMs ?? performance.now()) - this.#sinceMs
  }

  /** A turn is complete, and the next one begins. Not to be called after a turn that failed. */
  turned(): void {
    this.#sinceMs = performance.now()
  }

  /** Waits for work, or for what a turn cannot begin without. One wait at a time. */
  async idle<T>(waiting: Promise<T>): Promise<T> {
    this.#idleSinceMs = performance.now()
    try {
      return await waiting
    } finally {
      this.#sinceMs += performance.now() - this.#idleSinceMs
      this.#idleSinceMs = undefined
    }
  }

  end(): void {
    this.#onEnd()
  }
}

/** Who has to know of a loop. */
export interface LoopWatchers {
  health: { check: (name: string, check: () => unknown) => void }
  observer?: { loop?: (loop: Loop) => void } | undefined
}

/** A loop that is measured, and that makes its process not ready while it stands still. */
export function watchedLoop(
  name: string,
  { health, observer }: LoopWatchers,
  limitMs?: number,
): Loop {
  const loop = new Loop(name, limitMs)
  observer?.loop?.(loop)
  health.check(`${name} loop`, () => loop.assertTurning())
  return loop
}
