import { measuredConsumer } from '#metrics/index.ts'
import { runConsumerOf } from '#workers/consumer.ts'
import { deadLetterReasons } from './decide-requests.ts'
import { accountLocks, handleBatch } from './handle-batch.ts'

const own = { deadLetterReasons, measure: measuredConsumer, variables: {} }

/** Takes the money for orders, or records why not, once each. */
void runConsumerOf('payments', own, () => ({
  handle: handleBatch,
  rowLocks: accountLocks(),
  notifiesRelay: true,
}))
