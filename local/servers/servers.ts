import type { ServerUrls, Settings } from '../stack/settings.ts'
import type { Program } from '../supervisor/program.ts'
import { postgres } from './postgres.ts'
import { rabbitmq } from './rabbitmq.ts'

/** The programs of the servers to start, and the URLs of all servers. */
export type Servers = { postgres: Program[]; epmd: Program[]; broker: Program[]; urls: ServerUrls }

/** Chooses the external servers of the environment, and private ones for the rest. */
export function chooseServers(settings: Settings): Servers {
  const database = chooseDatabase(settings)
  const broker = chooseBroker(settings)
  return { ...database, ...broker, urls: { ...database.urls, ...broker.urls } }
}

/** With one external database, the private PostgreSQL has the other one. */
function chooseDatabase({ external, paths, ports }: Settings) {
  const { ordersDatabase, paymentsDatabase } = external
  if (ordersDatabase !== undefined && paymentsDatabase !== undefined) {
    return { postgres: [], urls: { ordersDatabase, paymentsDatabase } }
  }
  const databases = ['orders_db', 'payments_db']
  const { program, url } = postgres(paths, { port: ports.postgres, databases })
  const urls = {
    ordersDatabase: ordersDatabase ?? url('orders_db'),
    paymentsDatabase: paymentsDatabase ?? url('payments_db'),
  }
  return { postgres: [program], urls }
}

function chooseBroker({ external, paths, ports }: Settings) {
  if (external.amqp !== undefined) {
    const urls = { amqp: external.amqp, management: external.management ?? '' }
    return { epmd: [], broker: [], urls }
  }
  const { epmd, broker, url, managementUrl } = rabbitmq(paths, ports)
  return { epmd: [epmd], broker: [broker], urls: { amqp: url, management: managementUrl } }
}
