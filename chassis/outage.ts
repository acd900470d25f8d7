import type { Logger } from './logger.ts'

export interface OutageOptions {
  logger: Logger
  /** A sentence: what cannot be done. */
  what: string
  /** Between two lines about the same outage. */
  everyMs?: number
}

/**
 * Something that cannot be done at present, and is tried again. It is said when it begins, again
 * every minute with how long it has lasted and why, and when it is over.
 *
 * Several may be held up by it (`who`): it is over when the last of them is not any more.
 */
export class Outage {
  readonly #options: Required<OutageOptions>
  /** And since when, in ms. */
  readonly #heldUp = new Map<unknown, number>()
  #beganAtMs = 0
  #saidAtMs = 0
  #reason = ''

  constructor(options: OutageOptions) {
    this.#options = { everyMs: 60_000, ...options }
  }

  /** It failed (again). Returns for how long it has been failing for `who`, in ms. */
  failed(error: unknown, who: unknown = this): number {
    const { logger, what, everyMs } = this.#options
    const nowMs = performance.now()
    const isNew = this.#heldUp.size === 0
    const sinceMs = this.#heldUp.get(who) ?? nowMs
    this.#heldUp.set(who, sinceMs)
    this.#reason = reasonOf(error)
    if (isNew) {
      this.#beganAtMs = nowMs
      this.#saidAtMs = nowMs
      logger.warn({ err: error, reason: this.#reason }, `${what}, will retry`)
    } else if (nowMs - this.#saidAtMs >= everyMs) {
      this.#saidAtMs = nowMs
      const seconds = Math.round((nowMs - this.#beganAtMs) / 1_000)
      logger.warn({ reason: this.#reason, seconds }, `${what}, for ${seconds} s until now`)
    }
    return nowMs - sinceMs
  }

  /** Whether this one is held up. */
  has(who: unknown): boolean {
    return this.#heldUp.has(who)
  }

  /** It was done, or nobody needs it any more; not when we are told to stop, which ends no outage. */
  over(who: unknown = this): void {
    if (!this.#heldUp.delete(who) || this.#heldUp.size > 0) return
    const seconds = Math.round((performance.now() - this.#beganAtMs) / 1_000)
    this.#options.logger.info({ seconds }, `over after ${seconds} s: ${this.#options.what}`)
  }

  get isOver(): boolean {
    return this.#heldUp.size === 0
  }

  /** For a readiness check: throws, saying why, while it lasts. */
  assertOver(): void {
    if (!this.isOver) throw new Error(`${this.#options.what}: ${this.#reason}`)
  }
}

/** The innermost cause with its code, in one line that names no password. */
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
