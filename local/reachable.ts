import { acceptsConnections } from './probe.ts'
import type { Settings } from './settings.ts'
import { until } from './waiting.ts'

const variables = {
  amqp: 'AMQP_URL',
  ordersDatabase: 'ORDERS_DATABASE_URL',
  paymentsDatabase: 'PAYMENTS_DATABASE_URL',
} as const

const standardPorts: Record<string, number> = { 'amqp:': 5_672, 'amqps:': 5_671 }

/** Servers that the environment names must be there. Throws one Error that lists those that are not. */
export async function refuseUnreachable({ given }: Settings): Promise<void> {
  const faults = await Promise.all(
    Object.entries(variables).map(async ([name, variable]) => {
      const url = given[name as keyof typeof variables]
      if (url === undefined) return []
      const { hostname, port, protocol } = new URL(url)
      const number = Number(port) || (standardPorts[protocol] ?? 5_432)
      const found = await until(() => acceptsConnections(number, hostname), { timeoutMs: 3_000 })
      return found ? [] : [`${variable}: nobody answers at ${hostname}:${number}`]
    }),
  )
  if (faults.flat().length > 0) throw new Error(`Cannot start:\n  ${faults.flat().join('\n  ')}`)
}
