import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

export interface RepeatedReadOptions {
  outage: Outage
  signal: AbortSignal
  /** See Subscriptions: what is read late may have been delivered meanwhile. */
  retainDelivered: () => () => void
  /** Nothing could be read for so long. */
  onFailing: (failingMs: number) => void
}

/**
 * A read that is tried again, with backoff, until the database has answered or the feed is closed.
 */
export class RepeatedRead {
  readonly #read: () => Promise<void>
  readonly #options: RepeatedReadOptions

  constructor(read: () => Promise<void>, options: RepeatedReadOptions) {
    this.#read = read
    this.#options = options
  }

  get isFailing(): boolean {
    return this.#options.outage.has(this)
  }

  async run(): Promise<void> {
    const { outage, signal, retainDelivered, onFailing } = this.#options
    let release = () => {}
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#read()
        break
      } catch (error) {
        if (failures === 0) release = retainDelivered()
        onFailing(outage.failed(error, this))
        await pause(backoffMs(failures), signal)
      }
    }
    if (!signal.aborted) outage.over(this)
    release()
  }
}
