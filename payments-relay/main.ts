import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'

/** Publishes the outbox of Payments. Has no business logic. */
void runWorker('payments-relay', relayVariables('PAYMENTS_DATABASE_URL'), (worker) =>
  runRelay({ ...worker, ...worker.config, service: 'payments', routes: routesFrom('payments') }),
)
