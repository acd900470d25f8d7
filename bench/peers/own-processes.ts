import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'
import { acceptsConnections } from '#local/supervisor/probe.ts'
import type { Program } from '#local/supervisor/program.ts'
import { freePorts } from '#testing/free-ports.ts'
import { startServer } from '#testing/private-servers.ts'
import { PaymentsFixture } from '../payments-fixture.ts'
import { execute, type Servers } from '../servers.ts'

export interface Databases {
  ordersUrl: string
  paymentsUrl: string
}

/**
 * The tables of the program, empty, with accounts that have money enough; without the indexes of
 * orders that only its own messaging and pushing need.
 */
export async function openDatabases(servers: Servers, name: string): Promise<Databases> {
  const ordersUrl = await servers.database(`${name}_orders`, 'orders')
  const paymentsUrl = await servers.database(`${name}_payments`, 'payments')
  await execute(
    ordersUrl,
    `TRUNCATE orders;
     DROP INDEX IF EXISTS orders_pending, orders_pending_of_user, orders_changed_of_user`,
  )
  await using payments = new PaymentsFixture(paymentsUrl)
  await payments.open(1_000)
  return { ordersUrl, paymentsUrl }
}

type ProgramOfPeer = Pick<Program, 'name' | 'command' | 'env' | 'isReady'> & { port: number }

/** A process of a peer, ready and running until it is stopped. */
export function startProgram({ dir }: Servers, { port, env, ...program }: ProgramOfPeer) {
  return startServer([
    {
      ...program,
      address: `127.0.0.1:${port}`,
      cwd: repositoryDir,
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stateDir: dir,
      pidFile: join(dir, 'run', `${program.name}.${port}.pid`),
      logFile: join(dir, 'logs', `${program.name}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 12_000,
      deathSignal: 'KILL',
    },
  ])
}

/** Its program in Node, a file of this folder. */
export async function startApp(
  servers: Servers,
  name: string,
  { ordersUrl, paymentsUrl }: Databases,
  env: NodeJS.ProcessEnv,
) {
  const [port = 0] = await freePorts(1)
  const server = await startProgram(servers, {
    name,
    port,
    command: [process.execPath, join(import.meta.dirname, `${name}.ts`)],
    env: { ORDERS_URL: ordersUrl, PAYMENTS_URL: paymentsUrl, PORT: String(port), ...env },
    isReady: () => acceptsConnections(port),
  })
  return Object.assign(server, { url: `http://127.0.0.1:${port}` })
}

/** Tells Restate where the service is. */
export async function register(admin: string, uri: string): Promise<void> {
  const answer = await fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ uri }),
  })
  if (!answer.ok) throw new Error(`Restate does not take the service: ${await answer.text()}`)
}
