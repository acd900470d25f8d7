import { integer } from '#chassis/config.ts'

/** How often a user may call each API, in bursts of twice as many; 0: as often as they like. */
export const userRateLimitPerSecond = integer('USER_RATE_LIMIT_PER_SECOND', {
  max: 100_000,
  fallback: 0,
})
