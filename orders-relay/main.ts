import { amqpUrl, postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { ownInstallation } from '#chassis/database/installation.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { exchanges, routes } from '#contracts/topology.ts'
import { Publisher } from '#messaging/broker/publisher.ts'
import { relayingOutage, runRelay } from '#messaging/outbox/relay.ts'
import { pingOutbox } from '#messaging/outbox/rows.ts'
import { relayVariables } from '#messaging/outbox/variables.ts'
import { hearWakeUps } from '#messaging/outbox/wake-up.ts'
import type { OrdersDatabase } from '#tables/orders.ts'

/** Tells the broker what the outbox of Orders has promised. No business lives here. */
await runService(
  'orders-relay',
  {
    databaseUrl: postgresUrl('ORDERS_DATABASE_URL'),
    brokerUrl: amqpUrl('AMQP_URL'),
    ...relayVariables,
  },
  async ({ name, config, logger, resources, health, signal, demand }) => {
    const { databaseUrl, brokerUrl } = config
    const topology = { exchanges: [exchanges.orders] }
    resources.use(await serve({ ...config, health, logger }))
    const db = resources.use(connectDatabase<OrdersDatabase>({ name, url: databaseUrl }))
    demand(requireDurability(db, signal, logger))
    const installation = ownInstallation(db, 'orders', { logger, signal, demand })
    const broker = { name, url: brokerUrl, topology, installation }
    const publisher = resources.use(new Publisher({ ...broker, logger }))
    const wakeUp = resources.use(hearWakeUps({ name, url: databaseUrl, logger }))
    health.check('database', () => pingOutbox(db))
    health.check('broker', () => publisher.assertReady())
    const outage = relayingOutage(logger)
    health.check('relaying', () => outage.assertOver())

    await runRelay({ ...config, db, publisher, routes, wakeUp, outage, logger }, signal)
  },
)
