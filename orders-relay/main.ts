import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay, signatureVariables } from '#messaging/index.ts'
import { measuredRelay } from '#metrics/index.ts'

const routes = routesFrom('orders')
const { metrics, observer } = measuredRelay('orders-relay', 'orders', routes)
const variables = {
  ...relayVariables('ORDERS_DATABASE_URL'),
  ...signatureVariables(process.env, 'ORDERS_EVENT_SIGNING_KEYS'),
}

/** Publishes the outbox of Orders. Has no business logic. */
void runWorker('orders-relay', variables, metrics, (worker) =>
  runRelay({ ...worker, ...worker.config, observer, service: 'orders', routes }),
)
