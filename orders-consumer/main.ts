import { measuredSettler } from '#metrics/index.ts'
import { runConsumerOf } from '#workers/consumer.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'
import { longestTimeout, retryPaymentRequests, retryVariables } from './payment-request-retry.ts'
import { deadLetterReasons } from './settle-orders.ts'

const own = { deadLetterReasons, measure: measuredSettler, variables: retryVariables }

/**
 * Settles orders by what Payments has decided, and requests a payment or a refund again when no
 * answer comes in time.
 */
void runConsumerOf('orders', own, (worker) => ({
  handle: (trx, outcomes) => handleBatch(trx, outcomes, worker.onSettled),
  rowLocks: orderLocks(),
  delays: [longestTimeout(worker.config)],
  alongside: (db, signal) => retryPaymentRequests(db, { ...worker, signal }),
}))
