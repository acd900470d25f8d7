import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'

/** Tells the broker what the outbox of Orders has promised. No business lives here. */
void runWorker('orders-relay', relayVariables('ORDERS_DATABASE_URL'), (worker) =>
  runRelay({ ...worker, ...worker.config, service: 'orders', routes: routesFrom('orders') }),
)
