import { runWorker } from '#chassis/worker.ts'
import { eventDecoder } from '#contracts/decode-event.ts'
import { eventTypesTo } from '#contracts/event-types.ts'
import { queues } from '#contracts/topology.ts'
import { consumerVariables, runConsumer } from '#messaging/index.ts'
import { askAgainUntilStopped, askingVariables } from './asking.ts'
import { handleBatch, orderLocks } from './handle-batch.ts'

const variables = { ...consumerVariables('ORDERS_DATABASE_URL'), ...askingVariables }

/** Settles orders by what Payments has decided, and asks again for those it has heard nothing of. */
await runWorker('orders-consumer', variables, (worker) =>
  runConsumer({
    ...worker,
    service: 'orders',
    queue: queues.ordersConsumer,
    decode: eventDecoder(...eventTypesTo('orders')),
    handle: handleBatch,
    rowLocks: orderLocks(),
    alongside: (db) => askAgainUntilStopped(db, worker),
  }),
)
