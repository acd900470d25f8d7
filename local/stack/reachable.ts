import { SessionClient } from '#chassis/database/session.ts'
import { brokerAddress } from '#messaging/broker/address.ts'
import { type Address, accepts } from '../supervisor/probe.ts'
import { until } from '../supervisor/waiting.ts'
import type { Settings } from './settings.ts'

/** A port of a host, or a socket. Throws what the driver would. */
function databaseAddress(url: string): Address {
  const { host, port } = new SessionClient({ connectionString: url })
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
}

/** Where the drivers will connect to, by the URL and what they know themselves. */
const servers = [
  { name: 'amqp', variable: 'AMQP_URL', addressOf: brokerAddress },
  { name: 'ordersDatabase', variable: 'ORDERS_DATABASE_URL', addressOf: databaseAddress },
  { name: 'paymentsDatabase', variable: 'PAYMENTS_DATABASE_URL', addressOf: databaseAddress },
] as const

/** Servers that the environment names must be there. Throws one Error that lists those that are not. */
export async function refuseUnreachable({ given }: Pick<Settings, 'given'>): Promise<void> {
  const faults = await Promise.all(
    servers.map(async ({ name, variable, addressOf }) => {
      const url = given[name]
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
    return `nobody answers at ${'path' in address ? address.path : hostAndPort(address)}`
  } catch (error) {
    return (error as Error).message
  }
}

const hostAndPort = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
