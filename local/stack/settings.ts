import { resolve } from 'node:path'
import {
  httpUrl,
  integer,
  logLevel,
  operatorPage,
  operatorPagePort,
  readConfig,
  text,
  type Variable,
} from '#chassis/config.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { readCertificateFiles } from '#chassis/tls.ts'
import { brokerUrl } from '#messaging/broker/address.ts'
import { signatureVariables } from '#messaging/variables.ts'
import { assertSecureStart } from '#principal/secure-start.ts'
import { authVariables } from '#principal/variables.ts'
import type { Scale } from './options.ts'
import { type Paths, preparePaths, repositoryDir } from './paths.ts'
import { gatewayPortDefault, type Ports, portBaseDefault, portSpan, portsFrom } from './ports.ts'
import { type SignInVariables, signInOf, signInVariables } from './sign-in.ts'

/** The settings of a local stack. */
export type Settings = {
  paths: Paths
  ports: Ports
  gatewayHost: string
  gatewayPort: number
  scale: Scale
  /** The processes run from their TypeScript files; otherwise each is bundled into one file. */
  fromSource: boolean
  /** A provider is started, where the page signs in. */
  auth: boolean
  /** How the page signs in, as the templates of nginx have it. */
  signIn: SignInVariables
  rateLimitPerSecond: number
  /** Where the operator's page listens, if the gateway leads there: never without tokens. */
  operatorPagePort?: number
  /** The files of the gateway's certificate; without them, it speaks plain HTTP. */
  tls?: { cert: string; key: string } | undefined
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
  chosen: Pick<Settings, 'scale' | 'fromSource' | 'auth'>,
): Settings {
  const config = readConfig(env, {
    base: integer('LOCAL_PORT_BASE', {
      min: 1_024,
      max: 65_535 - portSpan,
      fallback: portBaseDefault,
    }),
    gatewayPort: integer('GATEWAY_PORT', { min: 1, max: 65_535, fallback: gatewayPortDefault }),
    rateLimitPerSecond: integer('RATE_LIMIT_PER_SECOND', { fallback: 0 }),
    operatorPage,
    operatorPagePort,
    logLevel,
    gatewayHost: text('GATEWAY_HOST', '127.0.0.1'),
    cert: text('GATEWAY_TLS_CERT_FILE', ''),
    key: text('GATEWAY_TLS_KEY_FILE', ''),
    ...authVariables(env), // for the processes, which read them again, as the next two
    ...signatureVariables(env, 'ORDERS_EVENT_SIGNING_KEYS'),
    ofPayments: signatureVariables(env, 'PAYMENTS_EVENT_SIGNING_KEYS').signingKeys,
    ...signInVariables(env),
    amqp: orMissing(brokerUrl('AMQP_URL')),
    management: orMissing(httpUrl('RABBITMQ_MANAGEMENT_URL')),
    ordersDatabase: orMissing(postgresUrl('ORDERS_DATABASE_URL')),
    paymentsDatabase: orMissing(postgresUrl('PAYMENTS_DATABASE_URL')),
  })
  assertSecureStart(config, env)
  const signIn = signInOf(config)
  const { base, gatewayHost: host, gatewayPort, rateLimitPerSecond, logLevel: level } = config
  const { amqp, management, ordersDatabase, paymentsDatabase } = config
  const external = withoutMissing({ amqp, management, ordersDatabase, paymentsDatabase })
  if (gatewayPort >= base && gatewayPort < base + portSpan) {
    const range = `${base} to ${base + portSpan - 1}`
    throw new Error(`GATEWAY_PORT must be outside of the other ports of the stack, ${range}`)
  }
  const paths = preparePaths(stateDirectory(env))
  const hasPage = config.operatorPage !== 'off' && config.authMode === 'jwt'
  const page = hasPage && { operatorPagePort: config.operatorPagePort }
  const tls = certificateOf(config)
  const rest = { ...chosen, ...page, signIn, tls, rateLimitPerSecond, logLevel: level, external }
  return { paths, ports: portsFrom(base), gatewayHost: host, gatewayPort, ...rest }
}

/** Where this machine reaches the gateway: by loopback, if it listens on every address. */
export function gatewayUrl({ gatewayHost: host, gatewayPort, tls }: Settings): string {
  const isEverywhere = host === '0.0.0.0' || host === '[::]'
  return `${tls ? 'https' : 'http'}://${isEverywhere ? '127.0.0.1' : host}:${gatewayPort}`
}

/** The folder of the local stack: LOCAL_DIR, or `.local`. */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  return resolve(repositoryDir, env.LOCAL_DIR || '.local')
}

/** Throws when nginx could not use it. */
function certificateOf(paths: { cert: string; key: string }): Settings['tls'] {
  const names = { ca: '', cert: 'GATEWAY_TLS_CERT_FILE', key: 'GATEWAY_TLS_KEY_FILE' }
  try {
    const { cert } = readCertificateFiles((kind) => (kind === 'ca' ? '' : paths[kind]), names)
    return cert === undefined ? undefined : { cert: resolve(paths.cert), key: resolve(paths.key) }
  } catch (error) {
    throw new Error(`Cannot start:\n  ${(error as Error).message}`)
  }
}

function orMissing(variable: Variable<string>): Variable<string> {
  return { ...variable, fallback: '' }
}

function withoutMissing(urls: ServerUrls): Partial<ServerUrls> {
  return Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== ''))
}
