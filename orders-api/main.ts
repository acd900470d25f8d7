import { postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { createRelayNotifier } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { ordersRouter } from './app.ts'
import { StatusFeed } from './push/status-feed.ts'
import { serveWebSocket } from './push/web-socket.ts'
import { pingOrders } from './rows.ts'

/** Takes orders, shows them, and tells those who watch how they ended. */
await runService(
  'orders-api',
  { databaseUrl: postgresUrl('ORDERS_DATABASE_URL') },
  async ({ name, config, logger, resources, health, signal, tracing, requireOrExit }) => {
    const url = config.databaseUrl
    const db = resources.use(connectDatabase<OrdersDatabase>({ name, url, poolSize: 20 }))
    requireOrExit(requireDurability(db, signal, logger))
    const feed = resources.use(new StatusFeed({ name, db, url, logger, tracing, limit: 100 }))
    const router = ordersRouter({
      db,
      logger,
      tracing,
      notifyRelay: createRelayNotifier(db, logger),
    })
    health.check('database', () => pingOrders(db))
    health.check('listen', () => feed.assertListening())
    health.check('status feed', () => feed.assertReading())
    const http = resources.use(await serve({ ...config, health, logger, router, tracing }))
    resources.use(serveWebSocket(http.server, { feed, logger }))

    await untilAborted(signal)
  },
)
