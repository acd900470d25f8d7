import { RepeatedRead, type RepeatedReadOptions } from './repeated-read.ts'

export interface BackfillOptions extends RepeatedReadOptions {
  /** Every subscribed user. */
  userIds: () => string[]
  /**
   * Reads the orders of some users that changed within the last so many milliseconds, and pushes
   * them.
   */
  readAndPush: (userIds: string[], lastMs: number) => Promise<void>
}

/**
 * A transaction that changes orders may commit this much later than the time it wrote, so after a
 * gap we read from a little earlier. Deliveries are remembered for a little longer than that.
 */
const commitMarginMs = 15_000
export const rememberedMs = commitMarginMs + 5_000

/** So many users are read in one statement. */
const usersAtOnce = 100

const nothing = Number.POSITIVE_INFINITY

/**
 * Reads what may have changed during a gap in the notifications, and again if there was a gap
 * meanwhile.
 */
export class Backfill {
  readonly #options: BackfillOptions
  readonly #read: RepeatedRead
  /** By the clock of this process: what changed since then is still to be read. */
  #sinceMs = nothing
  #isReading = false

  constructor(options: BackfillOptions) {
    this.#options = options
    this.#read = new RepeatedRead(() => this.#readGaps(), options)
  }

  get isFailing(): boolean {
    return this.#read.isFailing
  }

  /** There were no notifications for so long, until now. */
  add(disconnectedMs: number): void {
    const sinceMs = performance.now() - disconnectedMs - commitMarginMs
    this.#sinceMs = Math.min(this.#sinceMs, sinceMs)
    if (this.#isReading) return
    this.#isReading = true
    const release = this.#options.retainDelivered()
    void this.#read.run().finally(() => {
      this.#isReading = false
      release()
    })
  }

  async #readGaps(): Promise<void> {
    while (this.#sinceMs !== nothing) {
      const sinceMs = this.#sinceMs
      this.#sinceMs = nothing
      try {
        await this.#readSince(sinceMs)
      } catch (error) {
        this.#sinceMs = Math.min(this.#sinceMs, sinceMs)
        throw error
      }
    }
  }

  async #readSince(sinceMs: number): Promise<void> {
    const { userIds, readAndPush } = this.#options
    const all = userIds()
    for (let first = 0; first < all.length; first += usersAtOnce) {
      const lastMs = Math.ceil(performance.now() - sinceMs)
      await readAndPush(all.slice(first, first + usersAtOnce), lastMs)
    }
  }
}
