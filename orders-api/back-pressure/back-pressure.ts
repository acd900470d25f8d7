import type { Pooled, Queryable } from '#chassis/database/connect.ts'
import { Problem } from '#http/problem.ts'
import { countOverdue } from '#metrics/index.ts'
import { isBacklog, isCrowded, overdueMs, type PressureLimits } from './pressure.ts'

export interface BackPressureOptions extends PressureLimits {
  onRefused?: (reason: PressureReason) => void
  /** The backlog is looked at no more often. */
  everyMs?: number
}

export type PressureReason = 'backlog' | 'pool'

/**
 * Says whether a new order, or refund, is accepted. Work that is accepted is never lost: so when it
 * comes faster than it is done, or is not done at all, no more is accepted until that is over.
 *
 * The backlog is looked at when somebody asks, and nobody waits for that: a process without
 * requests asks nothing of the database, and the first request after a rest goes by what was seen
 * last.
 */
export class BackPressure {
  readonly #db: Queryable & Pooled
  readonly #options: Required<Omit<BackPressureOptions, 'onRefused'>> & BackPressureOptions
  #hasBacklog = false
  #isCrowded = false
  #looking: Promise<void> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY

  constructor(db: Queryable & Pooled, options: BackPressureOptions) {
    this.#db = db
    this.#options = { everyMs: 2_000, ...options }
  }

  /**
   * Accepts; or, while nothing new is accepted, calls `replay` with the Problem (503) to be thrown
   * where the request is new.
   */
  async admit<Outcome>(
    accept: () => Promise<Outcome>,
    replay: (refusal: Problem) => Promise<Outcome>,
  ): Promise<Outcome> {
    const reason = this.#reason()
    if (!reason) return accept()
    const headers = { 'Retry-After': retryAfter[reason] }
    const refusal = new Problem(503, details[reason], { headers })
    try {
      return await replay(refusal)
    } catch (error) {
      if (error === refusal) this.#options.onRefused?.(reason)
      throw error
    }
  }

  #reason(): PressureReason | undefined {
    this.#look()
    this.#isCrowded = isCrowded(this.#db.poolUse(), this.#isCrowded)
    if (this.#hasBacklog) return 'backlog'
    return this.#isCrowded ? 'pool' : undefined
  }

  /** A database that cannot be asked changes nothing: it accepts nothing either. */
  #look(): void {
    const { oldestMs, everyMs } = this.#options
    const isDue = performance.now() - this.#lookedAtMs >= everyMs
    if (oldestMs === 0 || this.#looking || !isDue) return
    this.#looking = this.#count()
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined
        this.#lookedAtMs = performance.now()
      })
  }

  async #count(): Promise<void> {
    const ms = overdueMs(this.#options, this.#hasBacklog)
    const overdue = await countOverdue(this.#db, ms, this.#options.tolerated + 1)
    this.#hasBacklog = isBacklog(this.#options, overdue)
  }
}

const details: Record<PressureReason, string> = {
  backlog:
    'Orders wait for too long at the moment, so none is accepted: this request has had no effect. Repeat it as Retry-After says.',
  pool: 'Too many requests wait for the database: this one has had no effect. Repeat it as Retry-After says.',
}

const retryAfter: Record<PressureReason, string> = { backlog: '5', pool: '1' }
