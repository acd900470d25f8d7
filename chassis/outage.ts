import type { Logger } from './logger.ts'

export interface OutageOptions {
  logger: Logger
  /** What cannot be done, as a sentence. */
  what: string
  /** The interval between two log lines of the same outage. */
  everyMs?: number
}

/**
 * Work that cannot be done now and is retried. The outage is logged when it begins, every minute
 * with its duration and its cause, and when it is over.
 *
 * Several tasks may be affected (`who`): the outage is over when the last of them has succeeded.
 */
export class Outage {
  readonly #options: Required<OutageOptions>
  /** The affected tasks, with the time of the first failure. */
  readonly #affected = new Map<unknown, number>()
  #beganAtMs = 0
  #loggedAtMs = 0
  #reason = ''

  constructor(options: OutageOptions) {
    this.#options = { everyMs: 60_000, ...options }
  }

  /** Reports a failure. Returns for how long the task has been failing, in ms. */
  failed(error: unknown, who: unknown = this): number {
    const { logger, what, everyMs } = this.#options
    const nowMs = performance.now()
    const isNew = this.#affected.size === 0
    const sinceMs = this.#affected.get(who) ?? nowMs
    this.#affected.set(who, sinceMs)
    this.#reason = reasonOf(error)
    if (isNew) {
      this.#beganAtMs = nowMs
      this.#loggedAtMs = nowMs
      logger.warn({ err: error, reason: this.#reason }, `${what}, will retry`)
    } else if (nowMs - this.#loggedAtMs >= everyMs) {
      this.#loggedAtMs = nowMs
      const seconds = Math.round((nowMs - this.#beganAtMs) / 1_000)
      logger.warn({ reason: this.#reason, seconds }, `${what}, for ${seconds} s so far`)
    }
    return nowMs - sinceMs
  }

  /** Whether a task is affected. */
  has(who: unknown): boolean {
    return this.#affected.has(who)
  }

  /**
   * Reports that a task has succeeded, or is not needed any more. A stop of the process ends no
   * outage.
   */
  over(who: unknown = this): void {
    if (!this.#affected.delete(who) || this.#affected.size > 0) return
    const seconds = Math.round((performance.now() - this.#beganAtMs) / 1_000)
    this.#options.logger.info({ seconds }, `over after ${seconds} s: ${this.#options.what}`)
  }

  get isOver(): boolean {
    return this.#affected.size === 0
  }

  /** For a readiness check: throws with the cause while the outage lasts. */
  assertOver(): void {
    if (!this.isOver) throw new Error(`${this.#options.what}: ${this.#reason}`)
  }
}

/** The code and the message of the innermost cause, without passwords. */
export function reasonOf(error: unknown): string {
  const { cause, code, message } = (error ?? {}) as {
    cause?: unknown
    code?: unknown
    message?: string
  }
  if (cause instanceof Error) return reasonOf(cause)
  const text = [code, message || (code === undefined && String(error))].filter(Boolean).join(' ')
  return text.replace(/\/\/\S*@/g, '//***@').slice(0, 500)
}
