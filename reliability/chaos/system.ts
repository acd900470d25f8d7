import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase } from '#chassis/database/connect.ts'
import { repositoryDir } from '#local/stack/paths.ts'
import { type ProcessName, processNames, processPort } from '#local/stack/ports.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { answersOk } from '#local/supervisor/probe.ts'
import type { Running } from '#local/supervisor/program.ts'
import { startReady } from '#local/supervisor/start-ready.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { freePortBase, freePorts } from '#testing/free-ports.ts'
import type { Server } from '#testing/private-servers.ts'
import { startPostgres } from '#testing/private-servers.ts'
import { type Proxy as FaultProxy, proxyTo } from '#testing/proxy.ts'
import { startStack } from '#testing/stack.ts'
import type { Databases } from '../judge/read-final-state.ts'
import { type Broker, startBroker } from './broker.ts'
import { crashingRequestsEnvironment } from './crashing-requests.ts'
import type { Link } from './schedule.ts'

/**
 * The whole stack as `npm start` runs it, supervised, but with PostgreSQL and RabbitMQ in our own
 * hands and a proxy on every way to them, and on the way to the gateway.
 */
export interface System extends AsyncDisposable {
  /** Through the proxy of the clients. */
  gateway: string
  /** Past the proxy: between such a client and the gateway nothing is ever wrong. */
  directGateway: string
  /** `orders-api`, `orders-api.2` … */
  processes: string[]
  /** Undefined while it is dead. */
  pidOf: (name: string) => number | undefined
  isReady: (name: string) => Promise<boolean>
  postgres: Server & { url: (database: string) => string }
  broker: Broker
  links: Record<Link, FaultProxy>
  /** Past the proxies. */
  databases: Databases
  /** For one more process beside the stack, with an environment of its own on top. */
  startExtra: (name: ProcessName, env?: NodeJS.ProcessEnv) => Promise<Running>
  logsDir: string
  /** State of the stack; gone when the system is disposed of. */
  dir: string
}

export interface SystemOptions {
  /** Of each of the six; two unless told. */
  replicas?: number
  paymentRequestTimeoutMs: number
  /** Whether a message can kill payments-consumer (crashing-requests.ts). */
  hasCrashingRequests?: boolean
}

export async function startSystem(options: SystemOptions): Promise<System> {
  await using opened = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-chaos-'))
  opened.defer(() => removeState(dir))
  const { postgres, broker } = await startServers(dir, opened)
  const links = {
    'orders database': await proxyTo(postgres.url('orders_db')),
    'payments database': await proxyTo(postgres.url('payments_db')),
    broker: await proxyTo(broker.url),
  }
  opened.defer(() => Object.values(links).forEach((link) => void link.close()))

  const { replicas = 2 } = options
  const env = {
    ORDERS_DATABASE_URL: links['orders database'].url,
    PAYMENTS_DATABASE_URL: links['payments database'].url,
    AMQP_URL: links.broker.url,
    RABBITMQ_MANAGEMENT_URL: broker.managementUrl,
    PAYMENT_REQUEST_TIMEOUT_MS: String(options.paymentRequestTimeoutMs),
    ...(options.hasCrashingRequests && crashingRequestsEnvironment(dir)),
  }
  const [gatewayPort = 0] = await freePorts(1)
  const base = await freePortBase()
  const stack = await startStack({
    dir: join(dir, 'stack'),
    args: [
      ...processNames.flatMap((name) => ['--scale', `${name}=${replicas}`]),
      ...(options.hasCrashingRequests ? ['--source'] : []), // killed in a module of pg
    ],
    env: { ...env, LOCAL_PORT_BASE: String(base), GATEWAY_PORT: String(gatewayPort) },
  })
  opened.defer(async () => void (await stack.stop()))
  const gateway = await proxyTo(`${stack.gateway}/`)
  opened.defer(gateway.close)
  const urls = { orders: postgres.url('orders_db'), payments: postgres.url('payments_db') }
  const databases = openDatabases(urls)
  opened.defer(
    async () => void (await Promise.all(Object.values(databases).map((db) => db.close()))),
  )
  const owned = opened.move()
  return {
    gateway: new URL(gateway.url).origin,
    directGateway: stack.gateway,
    processes: namesOf(replicas),
    pidOf: (name) => pidIn(join(stack.dir, 'run', `${name}.pid`)),
    isReady: (name) => answersOk(`http://127.0.0.1:${portOf(base, name)}/readyz`),
    postgres,
    broker,
    links: { ...links, gateway },
    databases,
    startExtra: (name, own) => startExtra(stack.dir, name, { ...process.env, ...env, ...own }),
    logsDir: join(stack.dir, 'logs'),
    dir,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startServers(dir: string, opened: AsyncDisposableStack) {
  const [port = 0] = await freePorts(1)
  const [postgres, broker] = await Promise.all([
    startPostgres({ dir: join(dir, 'postgres'), port, databases: ['orders_db', 'payments_db'] }),
    startBroker(join(dir, 'broker')),
  ])
  for (const [server, name] of [
    [postgres, 'postgres'],
    [broker, 'broker'],
  ] as const) {
    opened.defer(async () => {
      await server.stop()
      await removeState(join(dir, name))
    })
  }
  return { postgres, broker }
}

function openDatabases(urls: { orders: string; payments: string }) {
  const options = { name: 'onlooker', poolSize: 3, statementTimeoutMs: 120_000 }
  return {
    orders: connectDatabase<OrdersDatabase>({ ...options, url: urls.orders }),
    payments: connectDatabase<PaymentsDatabase>({ ...options, url: urls.payments }),
  }
}

async function startExtra(stateDir: string, name: ProcessName, env: NodeJS.ProcessEnv) {
  const [port = 0] = await freePorts(1)
  const fullName = `${name}.extra-${port}`
  return startReady({
    name: fullName,
    address: `127.0.0.1:${port}`,
    command: [process.execPath, `${name}/main.ts`],
    cwd: repositoryDir,
    env: { ...env, PORT: String(port), HOST: '127.0.0.1' },
    stateDir,
    pidFile: join(stateDir, 'run', `${fullName}.pid`),
    logFile: join(stateDir, 'logs', `${fullName}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 12_000,
    deathSignal: 'KILL',
    isReady: () => answersOk(`http://127.0.0.1:${port}/readyz`),
  })
}

const namesOf = (replicas: number): string[] =>
  processNames.flatMap((name) =>
    Array.from({ length: replicas }, (_, index) => (index === 0 ? name : `${name}.${index + 1}`)),
  )

function portOf(base: number, fullName: string): number {
  const [name, replica = '1'] = fullName.split('.')
  return processPort(base, name as ProcessName, Number(replica))
}

function pidIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}
