import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'

/** Publishes the outbox of Orders. Has no business logic. */
void runWorker('orders-relay', relayVariables('ORDERS_DATABASE_URL'), (worker) =>
  runRelay({ ...worker, ...worker.config, service: 'orders', routes: routesFrom('orders') }),
)
