import { withLogin } from '#roles/login.ts'
import type { Login } from '#roles/table.ts'
import type { ServerUrls, Settings } from '../stack/settings.ts'
import type { Program } from '../supervisor/program.ts'
import { postgres } from './postgres.ts'
import { rabbitmq } from './rabbitmq.ts'
import { storedPasswords } from './stored-secret.ts'

/** The programs of the servers to start, and the URLs of all servers. */
export type Servers = {
  postgres: Program[]
  epmd: Program[]
  broker: Program[]
  /** As administrator; of an external server as they were given. */
  urls: ServerUrls
  /** The same for a role. */
  urlsOf: (login: Login) => ServerUrls
  /** Whether the databases have roles: both are in the private PostgreSQL. */
  haveRoles: boolean
}

/** Chooses the external servers of the environment, and private ones for the rest. */
export function chooseServers(settings: Settings): Servers {
  const database = chooseDatabase(settings)
  const broker = chooseBroker(settings)
  const urls = { ...database.urls, ...broker.urls }
  const { ordersDatabase, paymentsDatabase, amqp } = settings.external
  const haveRoles = (ordersDatabase ?? paymentsDatabase) === undefined
  const passwords = storedPasswords(settings.paths.stateDir)
  const urlsOf = (login: Login) => {
    const own = (url: string, hasRoles: boolean) =>
      hasRoles ? withLogin(url, login, passwords[login]) : url
    return {
      ...urls,
      amqp: own(urls.amqp, amqp === undefined),
      ordersDatabase: own(urls.ordersDatabase, haveRoles),
      paymentsDatabase: own(urls.paymentsDatabase, haveRoles),
    }
  }
  return { ...database, ...broker, urls, urlsOf, haveRoles }
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
