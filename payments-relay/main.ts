import { runWorker } from '#chassis/worker.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay } from '#messaging/index.ts'
import { measuredRelay } from '#metrics/index.ts'

const routes = routesFrom('payments')
const { metrics, observer } = measuredRelay('payments-relay', 'payments', routes)
const variables = relayVariables('PAYMENTS_DATABASE_URL')

/** Tells the broker what the outbox of Payments has promised. No business lives here. */
await runWorker('payments-relay', variables, metrics, (worker) =>
  runRelay({ ...worker, ...worker.config, observer, service: 'payments', routes }),
)
