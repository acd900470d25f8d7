import { SessionClient } from '#chassis/database/session.ts'
import { brokerAddresses } from '#messaging/broker/address.ts'
import { type Address, accepts } from '../supervisor/probe.ts'
import { until } from '../supervisor/waiting.ts'
import type { Settings } from './settings.ts'

/** Host and port, or the socket, of a database. Throws what the driver would throw. */
function databaseAddress(url: string): Address[] {
  const { host, port } = new SessionClient({ connectionString: url })
  return [host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }]
}

/** The external servers, with the addresses that drivers take from the URL: one must answer. */
const servers = [
  { name: 'amqp', variable: 'AMQP_URL', addressesOf: brokerAddresses },
  { name: 'ordersDatabase', variable: 'ORDERS_DATABASE_URL', addressesOf: databaseAddress },
  { name: 'paymentsDatabase', variable: 'PAYMENTS_DATABASE_URL', addressesOf: databaseAddress },
] as const

/** Throws one Error that lists the external servers that do not answer. */
export async function assertReachable({ external }: Pick<Settings, 'external'>): Promise<void> {
  const faults = await Promise.all(
    servers.map(async ({ name, variable, addressesOf }) => {
      const url = external[name]
      const fault = url !== undefined && (await faultOf(url, addressesOf))
      return fault ? [`${variable}: ${fault}`] : []
    }),
  )
  if (faults.flat().length > 0) throw new Error(`Cannot start:\n  ${faults.flat().join('\n  ')}`)
}

async function faultOf(
  url: string,
  addressesOf: (url: string) => Address[],
): Promise<string | undefined> {
  try {
    const addresses = addressesOf(url)
    const answers = async () => (await Promise.all(addresses.map(accepts))).includes(true)
    if (await until(answers, { timeoutMs: 3_000 })) return undefined
    return `no server answers at ${addresses.map(named).join(', ')}`
  } catch (error) {
    return (error as Error).message
  }
}

function named(address: Address): string {
  if ('path' in address) return address.path
  const { host, port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
