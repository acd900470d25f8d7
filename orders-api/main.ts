import { connectDatabase, poolSizes } from '#chassis/database/connect.ts'
import { checkServer } from '#chassis/database/server-check.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { serve } from '#http/server.ts'
import { userLimit } from '#limits/user-limit.ts'
import { createRelayNotifier } from '#messaging/index.ts'
import { measuredPush } from '#metrics/index.ts'
import { createVerifier } from '#principal/verifier.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { ordersRouter } from './app.ts'
import { BackPressure } from './back-pressure/back-pressure.ts'
import { paceOf } from './push/pace.ts'
import { StatusFeed } from './push/status-feed.ts'
import { serveWebSocket } from './push/web-socket.ts'
import { pingOrders } from './rows.ts'
import { ordersApiVariables } from './variables.ts'

const { metrics, observer, onRefused, push } = measuredPush('orders-api', 'orders')

/** Takes orders, shows them, and tells those who watch how they ended. */
void runService(
  'orders-api',
  ordersApiVariables(process.env),
  async ({ name, config, logger, resources, health, signal, tracing, requireOrExit }) => {
    const url = config.databaseUrl
    const db = resources.use(
      connectDatabase<OrdersDatabase>({ name, url, poolSize: poolSizes.api }),
    )
    observer.database(db)
    requireOrExit(checkServer(db, signal, logger))
    const feed = resources.use(
      new StatusFeed({ name, db, url, logger, observer, tracing, limit: 100 }),
    )
    const { verify, assertReady } = createVerifier(config, { logger, signal })
    const notifyRelay = createRelayNotifier(db, logger)
    const limitUser = userLimit(db, { ...config, logger, onRefused })
    const backPressure = new BackPressure(db, { ...config, onRefused })
    const common = { db, logger, verify, tracing }
    const router = ordersRouter({ ...common, notifyRelay, limitUser, backPressure })
    health.check('database', () => pingOrders(db))
    health.check('listen', () => feed.assertListening())
    health.check('status feed', () => feed.assertReading())
    health.check('keys of tokens', assertReady)
    const http = resources.use(await serve({ ...config, health, logger, router, metrics, tracing }))
    const limits = { connectionLimits: config, pace: paceOf(config.messagesPerSecond) }
    const options = { feed, logger, verify, ...limits, onRefused: push.onRefused }
    const { connections, ...socket } = serveWebSocket(http.server, options)
    resources.use(socket)
    push.watch({ connections, subscriptions: () => feed.subscriptions() })

    await untilAborted(signal)
  },
)
