import { runWorker } from '#chassis/worker.ts'
import { decoderOf, invalidReasons } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from '#idempotency/expiring-keys.ts'
import { consumerVariables, runConsumer, signatureVariables } from '#messaging/index.ts'
import { measuredSettler } from '#metrics/index.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { longestTimeout, retryPaymentRequests, retryVariables } from './payment-request-retry.ts'
import { deadLetterReasons } from './settle-orders.ts'

const variables = {
  ...consumerVariables('ORDERS_DATABASE_URL'),
  ...signatureVariables(process.env, 'PAYMENTS_EVENT_SIGNING_KEYS'),
  ...retryVariables,
  idempotencyKeyRetentionHours,
}
const queue = queues.ordersConsumer
const { metrics, observer, onSettled, onRetried } = measuredSettler('orders-consumer', 'orders', {
  queue,
  deadLetterReasons: [...invalidReasons, ...deadLetterReasons],
})

/**
 * Settles orders by what Payments has decided, and requests a payment or a refund again when no
 * answer comes in time.
 */
void runWorker('orders-consumer', variables, metrics, (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    observer,
    service: 'orders',
    queue,
    decode: decoderOf('orders'),
    handle: (trx, outcomes) => handleBatch(trx, outcomes, onSettled),
    rowLocks: orderLocks(),
    expiring: [expiringKeys(worker.config.idempotencyKeyRetentionHours)],
    delays: [longestTimeout(worker.config)],
    alongside: (db, signal) => retryPaymentRequests(db, { ...worker, signal, observer, onRetried }),
  }),
)
