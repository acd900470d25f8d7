import type { Queryable } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { RefusedUsers } from './refused-users.ts'
import { forgetUsers, takeRequest } from './rows.ts'
import { remaining, type UserPolicy } from './user-policy.ts'

export interface RequestCounterOptions {
  logger: Logger
  /** A count that takes longer is given up, and nothing is counted for a while. */
  timeoutMs?: number
}

/** `unknown`: the database does not count at the moment. */
export type Count =
  | { kind: 'passes'; left: number }
  | { kind: 'refused'; left: 0 }
  | { kind: 'unknown' }

const timeoutMsDefault = 500
const restMs = 1_000
/** So often somebody looks for users who have not called for long. */
const requestsBetweenCleanings = 10_000

const refused: Count = { kind: 'refused', left: 0 }
const uncounted = (): Count => ({ kind: 'unknown' })

/**
 * Counts the requests of users in the database, those of one user one after another: a flood takes
 * one connection, and ends with the first refusal. A limit protects, so it is no fault of its own
 * that refuses: while the database does not count, everybody passes, and a warning says so.
 */
export class RequestCounter {
  readonly #db: Queryable
  readonly #policy: UserPolicy
  readonly #timeoutMs: number
  readonly #refusedUsers = new RefusedUsers()
  /** The last count of each user that is counted at the moment. */
  readonly #counting = new Map<string, Promise<Count>>()
  readonly #report: ReturnType<typeof throttledLog>
  #restUntilMs = 0
  #counted = 0

  constructor(db: Queryable, policy: UserPolicy, options: RequestCounterOptions) {
    this.#db = db
    this.#policy = policy
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault
    this.#report = throttledLog((details) =>
      options.logger.warn(details, 'requests of users cannot be counted, so nobody is limited'),
    )
  }

  /** Never rejects. */
  count(userId: string): Promise<Count> {
    const before = this.#counting.get(userId) ?? Promise.resolve()
    const count = before.then(() => this.#countNext(userId))
    this.#counting.set(userId, count)
    void count.then(() => {
      if (this.#counting.get(userId) === count) this.#counting.delete(userId)
    })
    return count
  }

  async #countNext(userId: string): Promise<Count> {
    if (this.#refusedUsers.has(userId, performance.now())) return refused
    if (performance.now() < this.#restUntilMs) return uncounted()
    try {
      const taking = takeRequest(this.#db, userId, this.#policy)
      const spentMs = await withTimeout(this.#timeoutMs, 'counting a request', taking)
      this.#forget()
      if (spentMs !== undefined) return { kind: 'passes', left: remaining(this.#policy, spentMs) }
      this.#refusedUsers.add(userId, performance.now() + this.#policy.intervalMs)
      return refused
    } catch (error) {
      this.#restUntilMs = performance.now() + restMs
      this.#report(1, { err: error })
      return uncounted()
    }
  }

  #forget(): void {
    if (++this.#counted % requestsBetweenCleanings > 0) return
    forgetUsers(this.#db).catch((error) => this.#report(1, { err: error }))
  }
}
