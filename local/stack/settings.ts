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
import { type Paths, preparePaths, repositoryDir } from './paths.ts'
import { gatewayPortDefault, type Ports, portBaseDefault, portSpan, portsFrom } from './ports.ts'

/** The settings of a local stack. */
export type Settings = {
  paths: Paths
  ports: Ports
  gatewayPort: number
  scale: Scale
  /** The processes run from their TypeScript files; otherwise each is bundled into one file. */
  fromSource: boolean
  rateLimitPerSecond: number
  logLevel: string
  /** The URLs of external servers. The other servers are started. */
  external: Partial<ServerUrls>
}

export type ServerUrls = {
  amqp: string
  management: string
  ordersDatabase: string
  paymentsDatabase: string
}

/** Reads the environment and creates the folders. Throws one Error that lists every fault. */
export function readSettings(
  env: NodeJS.ProcessEnv,
  chosen: Pick<Settings, 'scale' | 'fromSource'>,
): Settings {
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
  const { logLevel: level, ...external } = others
  if (gatewayPort >= base && gatewayPort < base + portSpan) {
    const range = `${base} to ${base + portSpan - 1}`
    throw new Error(`GATEWAY_PORT must be outside of the other ports of the stack, ${range}`)
  }
  const paths = preparePaths(stateDirectory(env))
  const rest = {
    ...chosen,
    rateLimitPerSecond,
    logLevel: level,
    external: withoutMissing(external),
  }
  return { paths, ports: portsFrom(base), gatewayPort, ...rest }
}

/** The folder of the local stack: LOCAL_DIR, or `.local`. */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  return resolve(repositoryDir, env.LOCAL_DIR || '.local')
}

function orMissing(variable: Variable<string>): Variable<string> {
  return { ...variable, fallback: '' }
}

function withoutMissing(urls: ServerUrls): Partial<ServerUrls> {
  return Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== ''))
}
