import type { Logger } from '#chassis/logger.ts'

/** Which reads fail at present. Said once for all of them. */
export class ReadFailures {
  readonly #logger: Logger
  readonly #since = new Map<object, number>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Notes that a read has failed; returns for how long it has been failing, in ms. */
  note(read: object, error: unknown): number {
    if (this.#since.size === 0) this.#logger.warn({ err: error }, 'orders cannot be read')
    const nowMs = performance.now()
    const sinceMs = this.#since.get(read) ?? nowMs
    this.#since.set(read, sinceMs)
    return nowMs - sinceMs
  }

  /** The read has succeeded, or is not wanted any more. */
  clear(read: object): void {
    this.#since.delete(read)
  }

  has(read: object): boolean {
    return this.#since.has(read)
  }
}
