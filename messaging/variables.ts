import { amqpUrl, integer, postgresUrl } from '#chassis/config.ts'

const servers = (databaseVariable: string) => ({
  databaseUrl: postgresUrl(databaseVariable),
  brokerUrl: amqpUrl('AMQP_URL'),
})

/** What a relay reads from its environment; the defaults are those that were measured (docs/decisions). */
export const relayVariables = (databaseVariable: string) => ({
  ...servers(databaseVariable),
  batchSize: integer('RELAY_BATCH_SIZE', { min: 1, max: 10_000, fallback: 500 }),
  concurrency: integer('RELAY_CONCURRENCY', { min: 1, max: 8, fallback: 2 }),
  idleMs: integer('RELAY_IDLE_MS', { min: 10, max: 60_000, fallback: 2_500 }),
  deadlineMs: integer('RELAY_DEADLINE_MS', { min: 100, max: 9_000, fallback: 3_000 }),
})

/** What a consumer reads from its environment; likewise. */
export const consumerVariables = (databaseVariable: string) => ({
  ...servers(databaseVariable),
  batchSize: integer('CONSUMER_BATCH_SIZE', { min: 1, max: 2_000, fallback: 200 }),
  concurrency: integer('CONSUMER_CONCURRENCY', { min: 1, max: 8, fallback: 2 }),
  lingerMs: integer('CONSUMER_LINGER_MS', { min: 0, max: 1_000, fallback: 10 }),
  maxAttempts: integer('CONSUMER_MAX_ATTEMPTS', { min: 1, max: 100, fallback: 6 }),
})
