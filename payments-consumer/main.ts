import { amqpUrl, postgresUrl } from '#chassis/config.ts'
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
import type { PaymentsDatabase } from '#tables/payments.ts'
import { accountLocks, handleBatch } from './handle-batch.ts'

/** Takes the money for orders, or records why not, once each. */
await runService(
  'payments-consumer',
  {
    databaseUrl: postgresUrl('PAYMENTS_DATABASE_URL'),
    brokerUrl: amqpUrl('AMQP_URL'),
    ...consumerVariables,
  },
  async ({ name, config, logger, resources, health, signal, demand }) => {
    const { queue } = queues.paymentsConsumer
    resources.use(await serve({ ...config, health, logger }))
    const db = resources.use(
      connectDatabase<PaymentsDatabase>({
        name,
        url: config.databaseUrl,
        lockTimeoutMs: batchLockTimeoutMs,
      }),
    )
    demand(requireDurability(db, signal, logger))
    const installation = ownInstallation(db, 'payments', { logger, signal, demand })
    const topology = { queues: [queues.paymentsConsumer] }
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

    const decode = withReceipt(eventDecoder('PaymentRequested'))
    const onCommit = relayWaker(db, logger)
    const inbox = {
      ...config,
      queue,
      db,
      decode,
      handle: handleBatch,
      rowLocks: accountLocks(),
      onCommit,
      deadLetters,
      logger,
    }
    await runConsumer(inbox, subscription, signal)
  },
)
