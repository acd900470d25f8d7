import { integer } from '#chassis/config.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { userRateLimitPerSecond } from '#limits/variables.ts'
import { authVariables } from '#principal/variables.ts'

/** What can be set. */
export const ordersApiVariables = (env: NodeJS.ProcessEnv) => ({
  databaseUrl: postgresUrl('ORDERS_DATABASE_URL'),
  ...authVariables(env),
  userRateLimitPerSecond,
  ...backPressure,
  ...webSocket,
})

/** When no more orders are accepted. */
const backPressure = {
  oldestMs: integer('BACKPRESSURE_OLDEST_MS', { fallback: 3_600_000 }),
  tolerated: integer('BACKPRESSURE_TOLERATED', { max: 100_000, fallback: 100 }),
}

/** How much clients may ask of the WebSocket of one process. */
const webSocket = {
  messagesPerSecond: integer('WEBSOCKET_MESSAGES_PER_SECOND', { min: 1, fallback: 200 }),
  perUser: integer('WEBSOCKETS_PER_USER', { fallback: 100 }),
  perAddress: integer('WEBSOCKETS_PER_ADDRESS', { fallback: 0 }),
}
