import { postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { createRelayNotifier } from '#messaging/index.ts'
import { measuredPush } from '#metrics/index.ts'
import { authVariables } from '#principal/variables.ts'
import { createVerifier } from '#principal/verifier.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { ordersRouter } from './app.ts'
import { StatusFeed } from './push/status-feed.ts'
import { serveWebSocket } from './push/web-socket.ts'
import { pingOrders } from './rows.ts'

const { metrics, observer, push } = measuredPush('orders-api', 'orders')

/** Takes orders, shows them, and tells those who watch how they ended. */
void runService(
  'orders-api',
  { databaseUrl: postgresUrl('ORDERS_DATABASE_URL'), ...authVariables(process.env) },
  async ({ name, config, logger, resources, health, signal, tracing, requireOrExit }) => {
    const url = config.databaseUrl
    const db = resources.use(connectDatabase<OrdersDatabase>({ name, url, poolSize: 20 }))
    observer.database(db)
    requireOrExit(requireDurability(db, signal, logger))
    const feed = resources.use(
      new StatusFeed({ name, db, url, logger, observer, tracing, limit: 100 }),
    )
    const { verify, assertReady } = createVerifier(config, { logger, signal })
    const notifyRelay = createRelayNotifier(db, logger)
    const router = ordersRouter({ db, logger, verify, tracing, notifyRelay })
    health.check('database', () => pingOrders(db))
    health.check('listen', () => feed.assertListening())
    health.check('status feed', () => feed.assertReading())
    health.check('keys of tokens', assertReady)
    const http = resources.use(await serve({ ...config, health, logger, router, metrics, tracing }))
    const { onRefused } = push
    const options = { feed, logger, verify, onRefused }
    const { connections, ...socket } = serveWebSocket(http.server, options)
    resources.use(socket)
    push.watch({ connections, subscriptions: () => feed.subscriptions() })

    await untilAborted(signal)
  },
)
