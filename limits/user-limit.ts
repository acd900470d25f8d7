import type { Context } from 'koa'
import type { AuthMode } from '#chassis/config.ts'
import type { Queryable } from '#chassis/database/connect.ts'
import { Problem } from '#http/problem.ts'
import type { Principal } from '#principal/principal.ts'
import { RequestCounter, type RequestCounterOptions } from './request-counter.ts'
import { policyOf, rateLimitHeaders, retryAfter } from './user-policy.ts'

export interface UserLimitOptions extends RequestCounterOptions {
  /** 0: nobody is limited, and nothing is asked. */
  userRateLimitPerSecond: number
  authMode: AuthMode
  onRefused?: (reason: 'user-rate') => void
}

/** Counts a call of a user. Throws a Problem (429) when there were too many. */
export type LimitUser = (principal: Principal, ctx: Context) => Promise<void>

/**
 * The limit of calls for each user, shared by all replicas through the database. Only a token says
 * who a user is: without tokens nobody is limited, since anybody could use up the calls of anybody.
 */
export function userLimit(db: Queryable, options: UserLimitOptions): LimitUser | undefined {
  const { userRateLimitPerSecond: perSecond, authMode, onRefused, ...counting } = options
  if (perSecond === 0) return undefined
  if (authMode === 'off') {
    counting.logger.warn(
      'USER_RATE_LIMIT_PER_SECOND limits nobody: with AUTH_MODE=off no token names a user',
    )
    return undefined
  }
  const policy = policyOf(perSecond)
  const counter = new RequestCounter(db, policy, counting)
  return async ({ userId }, ctx) => {
    if (userId === undefined) return
    const count = await counter.count(userId)
    if (count.kind === 'unknown') return
    ctx.set(rateLimitHeaders(policy, count.left))
    if (count.kind === 'passes') return
    onRefused?.('user-rate')
    throw tooMany()
  }
}

const tooMany = () =>
  new Problem(429, 'Too many requests of this user. Wait as Retry-After says, then repeat.', {
    headers: retryAfter,
  })
