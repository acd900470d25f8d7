import type { ServerUrls, Settings } from '../stack/settings.ts'
import type { Program } from '../supervisor/program.ts'
import { postgres } from './postgres.ts'
import { rabbitmq } from './rabbitmq.ts'

/** The servers to start, and where all of them are, started here or not. */
export type Servers = { postgres: Program[]; epmd: Program[]; broker: Program[]; urls: ServerUrls }

/** Own servers, except where the environment names others. */
export function chooseServers(settings: Settings): Servers {
  const database = chooseDatabase(settings)
  const broker = chooseBroker(settings)
  return { ...database, ...broker, urls: { ...database.urls, ...broker.urls } }
}

/** One given database is enough to need our PostgreSQL for the other. */
function chooseDatabase({ given, places, ports }: Settings) {
  const { ordersDatabase, paymentsDatabase } = given
  if (ordersDatabase !== undefined && paymentsDatabase !== undefined) {
    return { postgres: [], urls: { ordersDatabase, paymentsDatabase } }
  }
  const databases = ['orders_db', 'payments_db']
  const { program, url } = postgres(places, { port: ports.postgres, databases })
  const urls = {
    ordersDatabase: ordersDatabase ?? url('orders_db'),
    paymentsDatabase: paymentsDatabase ?? url('payments_db'),
  }
  return { postgres: [program], urls }
}

function chooseBroker({ given, places, ports }: Settings) {
  if (given.amqp !== undefined) {
    const urls = { amqp: given.amqp, management: given.management ?? '' }
    return { epmd: [], broker: [], urls }
  }
  const { epmd, broker, url, managementUrl } = rabbitmq(places, ports)
  return { epmd: [epmd], broker: [broker], urls: { amqp: url, management: managementUrl } }
}
