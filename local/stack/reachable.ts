import { SessionClient } from '#chassis/database/session.ts'
import { brokerAddress } from '#messaging/broker/address.ts'
import { type Address, accepts } from '../supervisor/probe.ts'
import { until } from '../supervisor/waiting.ts'
import type { Settings } from './settings.ts'

/** The host and port, or the socket, of a database. Throws what the driver would throw. */
function databaseAddress(url: string): Address {
  const { host, port } = new SessionClient({ connectionString: url })
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
}

/** The external servers, with the addresses that their drivers take from the URL. */
const servers = [
  { name: 'amqp', variable: 'AMQP_URL', addressOf: brokerAddress },
  { name: 'ordersDatabase', variable: 'ORDERS_DATABASE_URL', addressOf: databaseAddress },
  { name: 'paymentsDatabase', variable: 'PAYMENTS_DATABASE_URL', addressOf: databaseAddress },
] as const

/** Throws one Error that lists the external servers that do not answer. */
export async function assertReachable({ external }: Pick<Settings, 'external'>): Promise<void> {
  const faults = await Promise.all(
    servers.map(async ({ name, variable, addressOf }) => {
      const url = external[name]
      const fault = url !== undefined && (await faultOf(url, addressOf))
      return fault ? [`${variable}: ${fault}`] : []
    }),
  )
  if (faults.flat().length > 0) throw new Error(`Cannot start:\n  ${faults.flat().join('\n  ')}`)
}

async function faultOf(
  url: string,
  addressOf: (url: string) => Address,
): Promise<string | undefined> {
  try {
    const address = addressOf(url)
    if (await until(() => accepts(address), { timeoutMs: 3_000 })) return undefined
    return `no server answers at ${'path' in address ? address.path : hostAndPort(address)}`
  } catch (error) {
    return (error as Error).message
  }
}

const hostAndPort = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
