import { portError } from '../servers/port-check.ts'
import { processNames, processPort } from './ports.ts'
import type { Settings } from './settings.ts'

type Need = { port: number; purpose: string; variable: 'LOCAL_PORT_BASE' | 'GATEWAY_PORT' }

/**
 * Throws one Error that lists every port of the stack that cannot be used, before anything starts.
 */
export async function assertPortsFree(settings: Settings): Promise<void> {
  const faults = await Promise.all(neededPorts(settings).map(faultOf))
  const lines = faults.filter((fault) => fault !== undefined)
  if (lines.length === 0) return
  throw new Error(`Cannot start:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

async function faultOf({ port, purpose, variable }: Need): Promise<string | undefined> {
  const reason = await portError(port)
  if (reason === undefined) return undefined
  const fault = reason === 'EADDRINUSE' ? 'is in use' : `cannot be used (${reason})`
  return `port ${port} (${purpose}) ${fault}: free the port, or set ${variable} to another number`
}

/** The ports that this start would listen on. */
export function neededPorts({
  ports,
  external,
  scale,
  gatewayPort,
  auth,
}: Omit<Settings, 'signIn'>): Need[] {
  const isPostgresPrivate =
    external.ordersDatabase === undefined || external.paymentsDatabase === undefined
  const isBrokerPrivate = external.amqp === undefined
  const fixed = [
    { port: ports.postgres, purpose: 'PostgreSQL', isNeeded: isPostgresPrivate },
    { port: ports.amqp, purpose: 'RabbitMQ', isNeeded: isBrokerPrivate },
    { port: ports.management, purpose: 'RabbitMQ management', isNeeded: isBrokerPrivate },
    { port: ports.distribution, purpose: 'RabbitMQ distribution', isNeeded: isBrokerPrivate },
    { port: ports.epmd, purpose: 'epmd', isNeeded: isBrokerPrivate },
    { port: ports.frontend, purpose: 'frontend', isNeeded: true },
    { port: ports.provider, purpose: 'demo provider', isNeeded: auth },
  ].filter(({ isNeeded }) => isNeeded)
  const replicas = processNames.flatMap((name) =>
    Array.from({ length: scale[name] }, (_, index) => ({
      port: processPort(ports.base, name, index + 1),
      purpose: index === 0 ? name : `${name}.${index + 1}`,
    })),
  )
  return [
    { port: gatewayPort, purpose: 'gateway', variable: 'GATEWAY_PORT' },
    ...[...fixed, ...replicas].map(({ port, purpose }) => ({
      port,
      purpose,
      variable: 'LOCAL_PORT_BASE' as const,
    })),
  ]
}
