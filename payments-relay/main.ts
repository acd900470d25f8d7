import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'

/** Tells the broker what the outbox of Payments has promised. No business lives here. */
void runWorker('payments-relay', relayVariables('PAYMENTS_DATABASE_URL'), (worker) =>
  runRelay({ ...worker, ...worker.config, service: 'payments', routes: routesFrom('payments') }),
)
