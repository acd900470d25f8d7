import { runWorker } from '#chassis/worker.ts'
import { decoderOf, invalidReasons } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { measuredSettler } from '#metrics/index.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { retryPaymentRequests, retryVariables } from './payment-request-retry.ts'
import { deadLetterReasons } from './settle-orders.ts'

const variables = { ...consumerVariables('ORDERS_DATABASE_URL'), ...retryVariables }
const queue = queues.ordersConsumer
const { metrics, observer, onSettled, onRetried } = measuredSettler('orders-consumer', 'orders', {
  queue,
  deadLetterReasons: [...invalidReasons, ...deadLetterReasons],
})

/**
 * Settles orders by what Payments has decided, and requests a payment again when no answer comes in
 * time.
 */
await runWorker('orders-consumer', variables, metrics, (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    observer,
    service: 'orders',
    queue,
    decode: decoderOf('orders'),
    handle: (trx, outcomes) => handleBatch(trx, outcomes, onSettled),
    rowLocks: orderLocks(),
    alongside: (db, signal) => retryPaymentRequests(db, { ...worker, signal, observer, onRetried }),
  }),
)
