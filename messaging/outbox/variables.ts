import { integer } from '#chassis/config.ts'

/** How a relay may be tuned; the defaults are those that were measured (docs/decisions). */
export const relayVariables = {
  batchSize: integer('RELAY_BATCH_SIZE', { min: 1, max: 10_000, fallback: 500 }),
  lanes: integer('RELAY_LANES', { min: 1, max: 8, fallback: 2 }),
  idleMs: integer('RELAY_IDLE_MS', { min: 10, max: 60_000, fallback: 2_500 }),
  deadlineMs: integer('RELAY_DEADLINE_MS', { min: 100, max: 9_000, fallback: 3_000 }),
}
