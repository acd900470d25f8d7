import { runWorker } from '#chassis/worker.ts'
import { decoderOf } from '#contracts/decode-event.ts'
import { queues } from '#contracts/topology.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { accountLocks, handleBatch } from './handle-batch.ts'

/** Takes the money for orders, or records why not, once each. */
void runWorker('payments-consumer', consumerVariables('PAYMENTS_DATABASE_URL'), (worker) =>
  runConsumer({
    ...worker,
    ...worker.config,
    service: 'payments',
    queue: queues.paymentsConsumer,
    decode: decoderOf('payments'),
    handle: handleBatch,
    rowLocks: accountLocks(),
    notifiesRelay: true,
  }),
)
