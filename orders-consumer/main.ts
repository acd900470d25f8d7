import { amqpUrl, integer, postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { ownInstallation } from '#chassis/database/installation.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { eventDecoder } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { Publisher } from '#messaging/broker/publisher.ts'
import { runConsumer, subscribe } from '#messaging/inbox/consume.ts'
import { withReceipt } from '#messaging/inbox/receipt.ts'
import { batchLockTimeoutMs } from '#messaging/inbox/row-locks.ts'
import { pingInbox } from '#messaging/inbox/rows.ts'
import { consumerVariables } from '#messaging/inbox/variables.ts'
import { relayWaker } from '#messaging/outbox/wake-up.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { askingOutage, runAsking } from './asking.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'

/** Settles orders by what Payments has decided, and asks again for those it has heard nothing of. */
await runService(
  'orders-consumer',
  {
    databaseUrl: postgresUrl('ORDERS_DATABASE_URL'),
    brokerUrl: amqpUrl('AMQP_URL'),
    askAgainAfterMs: integer('ASK_AGAIN_AFTER_MS', { max: 86_400_000, fallback: 30_000 }),
    ...consumerVariables,
  },
  async ({ name, config, logger, resources, health, signal, demand }) => {
    const { queue } = queues.ordersConsumer
    resources.use(await serve({ ...config, health, logger }))
    const db = resources.use(
      connectDatabase<OrdersDatabase>({
        name,
        url: config.databaseUrl,
        lockTimeoutMs: batchLockTimeoutMs,
      }),
    )
    demand(requireDurability(db, signal, logger))
    const installation = ownInstallation(db, 'orders', { logger, signal, demand })
    const topology = { queues: [queues.ordersConsumer] }
    const broker = { name, url: config.brokerUrl, topology, installation }
    const deadLetters = resources.use(new Publisher({ ...broker, logger }))
    const subscription = resources.use(subscribe({ ...broker, queue, logger }, config))
    health.check('database', () => pingInbox(db))
    health.check('queue', () => subscription.assertConsuming())
    health.check('held messages', () => subscription.held.assertOver())
    health.check('deferred events', () => subscription.returning.assertOver())
    health.check('dead letters', () => {
      deadLetters.assertReady()
      subscription.parking.assertOver()
    })

    const decode = withReceipt(eventDecoder('PaymentSucceeded', 'PaymentFailed'))
    const inbox = {
      ...{ ...config, queue, db, decode, deadLetters, logger },
      ...{ handle: handleBatch, rowLocks: orderLocks() },
    }
    const outage = askingOutage(logger)
    health.check('asking again', () => outage.assertOver())
    const asking = { ...config, db, logger, outage, wakeRelay: relayWaker(db, logger) }
    await Promise.all([runConsumer(inbox, subscription, signal), runAsking(asking, signal)])
  },
)
