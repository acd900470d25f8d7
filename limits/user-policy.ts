/** How often a user may call: a token bucket of `burst` tokens, one new in `intervalMs`. */
export interface UserPolicy {
  burst: number
  intervalMs: number
  /** The time that fills an empty bucket. */
  burstMs: number
}

/** Bursts are of twice as many as a second may have, as at the gateway. */
export function policyOf(perSecond: number): UserPolicy {
  const burst = 2 * perSecond
  const intervalMs = 1_000 / perSecond
  return { burst, intervalMs, burstMs: burst * intervalMs }
}

/** Requests that are left when the bucket is full again in so many milliseconds. */
export const remaining = ({ burst, burstMs, intervalMs }: UserPolicy, spentMs: number): number =>
  Math.max(0, Math.min(burst, Math.floor((burstMs - spentMs) / intervalMs)))

/** At one token a second or more, a second brings the next one. */
const retryAfterSeconds = 1

/**
 * The headers of draft-ietf-httpapi-ratelimit-headers-11. `t`: within a second the client can count
 * on what is left, and on no more.
 */
export const rateLimitHeaders = ({ burst, burstMs }: UserPolicy, left: number) => ({
  'RateLimit-Policy': `"user";q=${burst};w=${Math.ceil(burstMs / 1_000)}`,
  RateLimit: `"user";r=${left};t=${retryAfterSeconds}`,
})

/** Of a refusal, besides. */
export const retryAfter = { 'Retry-After': String(retryAfterSeconds) }
