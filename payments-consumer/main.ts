import { runWorker } from '#chassis/worker.ts'
import { decoderOf } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from '#idempotency/expiring-keys.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { accountLocks, handleBatch } from './handle-batch.ts'

const variables = { ...consumerVariables('PAYMENTS_DATABASE_URL'), idempotencyKeyRetentionHours }

/** Takes the money for orders, or records why not, once each. */
void runWorker('payments-consumer', variables, (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    service: 'payments',
    queue: queues.paymentsConsumer,
    decode: decoderOf('payments'),
    handle: handleBatch,
    rowLocks: accountLocks(),
    notifiesRelay: true,
    expiring: [expiringKeys(worker.config.idempotencyKeyRetentionHours)],
  }),
)
