import { resolve } from 'node:path'
import {
  amqpUrl,
  authMode,
  httpUrl,
  integer,
  logLevel,
  postgresUrl,
  readConfig,
  type Variable,
} from '#chassis/config.ts'
import type { Scale } from './options.ts'
import { openPlaces, type Places, repositoryDir } from './places.ts'
import { gatewayPortDefault, type Ports, portBaseDefault, portSpan, portsFrom } from './ports.ts'

/** Everything that may differ between one local stack and another. */
export type Settings = {
  places: Places
  ports: Ports
  gatewayPort: number
  scale: Scale
  rateLimitPerSecond: number
  logLevel: string
  /** Servers that run elsewhere; what is missing here is started. */
  given: Partial<ServerUrls>
}

export type ServerUrls = {
  amqp: string
  management: string
  ordersDatabase: string
  paymentsDatabase: string
}

/** Reads the environment and opens the folders. Throws one Error that lists every fault. */
export function readSettings(env: NodeJS.ProcessEnv, scale: Scale): Settings {
  const config = readConfig(env, {
    base: integer('LOCAL_PORT_BASE', {
      min: 1_024,
      max: 65_535 - portSpan,
      fallback: portBaseDefault,
    }),
    gatewayPort: integer('GATEWAY_PORT', { min: 1, max: 65_535, fallback: gatewayPortDefault }),
    rateLimitPerSecond: integer('RATE_LIMIT_PER_SECOND', { fallback: 0 }),
    logLevel,
    authMode,
    amqp: orMissing(amqpUrl('AMQP_URL')),
    management: orMissing(httpUrl('RABBITMQ_MANAGEMENT_URL')),
    ordersDatabase: orMissing(postgresUrl('ORDERS_DATABASE_URL')),
    paymentsDatabase: orMissing(postgresUrl('PAYMENTS_DATABASE_URL')),
  })
  const { base, gatewayPort, rateLimitPerSecond, authMode: _, ...others } = config
  const { logLevel: level, ...given } = others
  if (gatewayPort >= base && gatewayPort < base + portSpan) {
    const range = `${base} to ${base + portSpan - 1}`
    throw new Error(`GATEWAY_PORT must not be one of the stack's own ports, ${range}`)
  }
  const places = openPlaces(stateDirectory(env))
  const rest = { scale, rateLimitPerSecond, logLevel: level, given: withoutMissing(given) }
  return { places, ports: portsFrom(base), gatewayPort, ...rest }
}

/** Where the local stack keeps everything: `.local`, or what LOCAL_DIR names. */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  return resolve(repositoryDir, env.LOCAL_DIR || '.local')
}

function orMissing(variable: Variable<string>): Variable<string> {
  return { ...variable, fallback: '' }
}

function withoutMissing(urls: ServerUrls): Partial<ServerUrls> {
  return Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== ''))
}
