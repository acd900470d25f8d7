import { Publisher } from '#chassis/broker/publisher.ts'
import { amqpUrl, postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { serve } from '#chassis/http/server.ts'
import { runConsumer, subscribe } from '#chassis/inbox/consume.ts'
import { pingInbox } from '#chassis/inbox/rows.ts'
import { consumerVariables } from '#chassis/inbox/variables.ts'
import { runService } from '#chassis/lifecycle.ts'
import { eventDecoder } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { handleBatch } from './handle-batch.ts'

/** Settles orders by what Payments has decided. */
await runService(
  'orders-consumer',
  {
    databaseUrl: postgresUrl('ORDERS_DATABASE_URL'),
    brokerUrl: amqpUrl('AMQP_URL'),
    ...consumerVariables,
  },
  async ({ name, config, logger, resources, health, signal }) => {
    const { queue } = queues.ordersConsumer
    const broker = { name, url: config.brokerUrl, topology: { queues: [queues.ordersConsumer] } }
    resources.use(await serve({ ...config, health, logger }))
    const db = resources.use(connectDatabase<OrdersDatabase>({ name, url: config.databaseUrl }))
    const deadLetters = resources.use(new Publisher({ ...broker, logger }))
    const subscription = resources.use(subscribe({ ...broker, queue, logger }, config))
    health.check('database', () => pingInbox(db))
    health.check('queue', () => subscription.isConsuming())
    health.check('dead letters', () => deadLetters.isReady())

    const decode = eventDecoder('PaymentSucceeded', 'PaymentFailed')
    const inbox = { ...config, queue, db, decode, handle: handleBatch, deadLetters, logger }
    await runConsumer(inbox, subscription, signal)
  },
)
