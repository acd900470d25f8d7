import { runWorker } from '#chassis/worker.ts'
import { decoderOf, invalidReasons } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from '#idempotency/expiring-keys.ts'
import { consumerVariables, runConsumer, signatureVariables } from '#messaging/index.ts'
import { measuredConsumer } from '#metrics/index.ts'
import { deadLetterReasons } from './decide-requests.ts'
import { accountLocks, handleBatch } from './handle-batch.ts'

const variables = {
  ...consumerVariables('PAYMENTS_DATABASE_URL'),
  ...signatureVariables(process.env, 'ORDERS_EVENT_SIGNING_KEYS'),
  idempotencyKeyRetentionHours,
}
const queue = queues.paymentsConsumer
const { metrics, observer } = measuredConsumer('payments-consumer', 'payments', {
  queue,
  deadLetterReasons: [...invalidReasons, ...deadLetterReasons],
})

/** Takes the money for orders, or records why not, once each. */
void runWorker('payments-consumer', variables, metrics, (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    observer,
    service: 'payments',
    queue,
    decode: decoderOf('payments'),
    handle: handleBatch,
    rowLocks: accountLocks(),
    notifiesRelay: true,
    expiring: [expiringKeys(worker.config.idempotencyKeyRetentionHours)],
  }),
)
