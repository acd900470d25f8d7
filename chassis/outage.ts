import type { Logger } from './logger.ts'

export interface OutageOptions {
  logger: Logger
  /** What cannot be done, as a sentence. */
  what: string
  /** The interval between two log lines of the same outage. */
  everyMs?: number
}

/**
 * Work that fails at present, and is repeated until it succeeds. Logged when it begins, every
 * minute with its duration and reason, and when it is over.
 *
 * It may block several activities (each any value that identifies it): it is over when none is
 * blocked any more.
 */
export class Outage {
  readonly #options: Required<OutageOptions>
  /** The blocked activities, and since when, in ms. */
  readonly #blocked = new Map<unknown, number>()
  #beganAtMs = 0
  #loggedAtMs = 0
  #reason = ''
  #count = 0

  constructor(options: OutageOptions) {
    this.#options = { everyMs: 60_000, ...options }
  }

  /** The work failed (again). Returns for how long this activity has been blocked, in ms. */
  failed(error: unknown, activity: unknown = this): number {
    const { logger, what, everyMs } = this.#options
    const nowMs = performance.now()
    const isNew = this.#blocked.size === 0
    const sinceMs = this.#blocked.get(activity) ?? nowMs
    this.#blocked.set(activity, sinceMs)
    this.#reason = reasonOf(error)
    if (isNew) {
      this.#count++
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

  /** Whether this activity is blocked. */
  has(activity: unknown): boolean {
    return this.#blocked.has(activity)
  }

  /**
   * The work succeeded, or is not needed any more. Not to be called at a stop, which ends no
   * outage.
   */
  over(activity: unknown = this): void {
    if (!this.#blocked.delete(activity) || this.#blocked.size > 0) return
    const seconds = Math.round((performance.now() - this.#beganAtMs) / 1_000)
    this.#options.logger.info({ seconds }, `over after ${seconds} s: ${this.#options.what}`)
  }

  /** How many have begun so far. */
  get count(): number {
    return this.#count
  }

  get isOver(): boolean {
    return this.#blocked.size === 0
  }

  /** For a readiness check: throws the reason while it lasts. */
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
