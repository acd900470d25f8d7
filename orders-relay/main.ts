import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'
import { measuredRelay } from '#metrics/index.ts'

const routes = routesFrom('orders')
const { metrics, observer } = measuredRelay('orders-relay', 'orders', routes)
const variables = relayVariables('ORDERS_DATABASE_URL')

/** Tells the broker what the outbox of Orders has promised. No business lives here. */
await runWorker('orders-relay', variables, metrics, (worker) =>
  runRelay({ ...worker, ...worker.config, observer, service: 'orders', routes }),
)
