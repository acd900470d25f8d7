import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay, signatureVariables } from '#messaging/index.ts'
import { measuredRelay } from '#metrics/index.ts'

const routes = routesFrom('payments')
const { metrics, observer } = measuredRelay('payments-relay', 'payments', routes)
const variables = {
  ...relayVariables('PAYMENTS_DATABASE_URL'),
  ...signatureVariables(process.env, 'PAYMENTS_EVENT_SIGNING_KEYS'),
}

/** Publishes the outbox of Payments. Has no business logic. */
void runWorker('payments-relay', variables, metrics, (worker) =>
  runRelay({ ...worker, ...worker.config, observer, service: 'payments', routes }),
)
