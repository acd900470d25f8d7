import type { WebSocket } from 'ws'
import { Pace, type PaceLimits } from './pace.ts'

/**
 * The requests of one client, handled one after another and no faster than its pace. While one
 * waits nothing more is read, so a flood waits in the client's TCP. What was read before may be
 * thousands of small messages: when too many wait, `onTooFast` is called, once, and nothing more is
 * read or handled.
 */
export class RequestLine {
  readonly #client: WebSocket
  readonly #pace: Pace
  readonly #onTooFast: () => void
  #last = Promise.resolve()
  #waiting = 0
  #isTooFast = false

  constructor(client: WebSocket, limits: PaceLimits, onTooFast: () => void) {
    this.#client = client
    this.#pace = new Pace(limits)
    this.#onTooFast = onTooFast
  }

  /** `handle` must not reject. Without it, only the pace counts. */
  add(handle?: () => Promise<void>): void {
    if (this.#isTooFast) return
    const dueMs = this.#pace.take(performance.now())
    this.#client.pause()
    if (dueMs === 'too-fast') {
      this.#isTooFast = true
      this.#onTooFast()
      return
    }
    this.#waiting++
    this.#last = this.#last.then(async () => {
      await this.#until(dueMs)
      if (this.#isOpen) await handle?.()
      if (--this.#waiting === 0 && !this.#isTooFast) this.#client.resume()
    })
  }

  get #isOpen(): boolean {
    return this.#client.readyState === this.#client.OPEN
  }

  async #until(dueMs: number): Promise<void> {
    const waitMs = dueMs - performance.now()
    if (waitMs <= 0 || !this.#isOpen) return
    await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
  }
}
