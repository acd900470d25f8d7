import { integer } from '#chassis/config.ts'

/** How a consumer may be tuned; the defaults are those that were measured (docs/decisions). */
export const consumerVariables = {
  batchSize: integer('CONSUMER_BATCH_SIZE', { min: 1, max: 2_000, fallback: 200 }),
  lanes: integer('CONSUMER_LANES', { min: 1, max: 8, fallback: 2 }),
  lingerMs: integer('CONSUMER_LINGER_MS', { min: 0, max: 1_000, fallback: 10 }),
  maxAttempts: integer('CONSUMER_MAX_ATTEMPTS', { min: 1, max: 100, fallback: 6 }),
}
