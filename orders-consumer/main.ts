import { runWorker } from '#chassis/worker.ts'
import { decoderOf } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from '#idempotency/expiring-keys.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { longestTimeout, retryPaymentRequests, retryVariables } from './payment-request-retry.ts'

const variables = {
  ...consumerVariables('ORDERS_DATABASE_URL'),
  ...retryVariables,
  idempotencyKeyRetentionHours,
}

/**
 * Settles orders by what Payments has decided, and requests a payment or a refund again when no
 * answer comes in time.
 */
void runWorker('orders-consumer', variables, (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    service: 'orders',
    queue: queues.ordersConsumer,
    decode: decoderOf('orders'),
    handle: handleBatch,
    rowLocks: orderLocks(),
    expiring: [expiringKeys(worker.config.idempotencyKeyRetentionHours)],
    delays: [longestTimeout(worker.config)],
    alongside: (db, signal) => retryPaymentRequests(db, { ...worker, signal }),
  }),
)
