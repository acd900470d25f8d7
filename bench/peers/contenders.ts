import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { answersOk } from '#local/supervisor/probe.ts'
import { freePorts } from '#testing/free-ports.ts'
import type { Bench } from '../measurement.ts'
import { cpuMs } from '../resources.ts'
import type { Servers } from '../servers.ts'
import { auditMoney, auditOrders, auditSystem, startSystem } from '../system.ts'
import { type Databases, openDatabases, register, startApp, startProgram } from './own-processes.ts'
import { restateServer } from './packages.ts'

/** A system that takes orders and makes them final, with empty tables and processes of its own. */
export interface Contender extends Databases, AsyncDisposable {
  /** Takes `POST /orders`. */
  gateway: string
  /** CPU milliseconds used until now, by program. */
  cpuMs: () => Record<string, number>
  /** Throws unless so many orders are paid, once each, and the money adds up. */
  audit: (orders: number) => Promise<void>
}

/** The program, as `npm start` runs it. */
export async function startOurs(bench: Bench): Promise<Contender> {
  const { ordersUrl, paymentsUrl } = bench.servers
  const system = await startSystem(bench)
  return { ...system, ordersUrl, paymentsUrl, audit: (orders) => auditSystem(bench, orders) }
}

export async function startDbos({ servers }: Bench): Promise<Contender> {
  const databases = await openDatabases(servers, 'dbos')
  const systemUrl = await servers.database('dbos_system')
  const app = await startApp(servers, 'dbos', databases, { SYSTEM_URL: systemUrl })
  const owned = new AsyncDisposableStack()
  owned.defer(app.stop)
  return contenderOf(servers, databases, { app }, owned)
}

/** One partition instead of 24, each of which has a log of its own: that is faster on few cores. */
export async function startRestate({ servers }: Bench): Promise<Contender> {
  const databases = await openDatabases(servers, 'restate')
  const [ingress = 0, admin = 0, node = 0, service = 0] = await freePorts(4)
  const urls = { ingress: `http://127.0.0.1:${ingress}`, admin: `http://127.0.0.1:${admin}` }
  await using stack = new AsyncDisposableStack()
  const server = await startProgram(servers, {
    name: 'restate-server',
    port: ingress,
    command: [restateServer(), '--no-logo', '--node-name', 'bench', '--listen-mode', 'tcp'],
    env: {
      RESTATE_BASE_DIR: mkdtempSync(join(servers.dir, 'restate-')),
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_ADVERTISED_HOST: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_DEFAULT_NUM_PARTITIONS: '1',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    },
    isReady: async () =>
      (await answersOk(`${urls.ingress}/restate/health`)) &&
      (await answersOk(`${urls.admin}/health`)),
  })
  stack.defer(server.stop)
  const ports = { INGRESS_URL: urls.ingress, SERVICE_PORT: String(service) }
  const app = await startApp(servers, 'restate', databases, ports)
  stack.defer(app.stop)
  await register(urls.admin, `http://127.0.0.1:${service}`)
  return contenderOf(servers, databases, { app, server }, stack.move())
}

function contenderOf(
  servers: Servers,
  databases: Databases,
  { app, ...others }: { app: { url: string; pid: number }; server?: { pid: number } },
  owned: AsyncDisposableStack,
): Contender {
  const programs = Object.entries({ app, ...others })
  return {
    ...databases,
    gateway: app.url,
    cpuMs: () => ({
      ...Object.fromEntries(programs.map(([name, { pid }]) => [name, cpuMs(pid)])),
      postgres: cpuMs(servers.pids().postgres),
    }),
    audit: async (orders) => {
      await auditOrders(databases.ordersUrl, orders)
      await auditMoney(databases.paymentsUrl, orders)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
