import type { Service } from '#contracts/event-types.ts'
import { routesFrom } from '#contracts/topology.ts'
import { relayVariables, runRelay, signatureVariables } from '#messaging/index.ts'
import { measuredRelay } from '#metrics/index.ts'
import { runWorker, variableNames } from './worker.ts'

/** The process that publishes the outbox of a service. */
export function runRelayOf(service: Service): Promise<void> {
  const name = `${service}-relay`
  const routes = routesFrom(service)
  const { metrics, observer } = measuredRelay(name, service, routes)
  const { database, signing } = variableNames[service]
  const variables = { ...relayVariables(database), ...signatureVariables(process.env, signing) }
  return runWorker(name, variables, metrics, (worker) =>
    runRelay({ ...worker, ...worker.config, observer, service, routes }),
  )
}
