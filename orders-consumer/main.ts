import { runWorker } from '#chassis/worker.ts'
import { decoderOf } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { retryPaymentRequests, retryVariables } from './payment-request-retry.ts'

const variables = { ...consumerVariables('ORDERS_DATABASE_URL'), ...retryVariables }

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
    alongside: (db, signal) => retryPaymentRequests(db, { ...worker, signal }),
  }),
)
