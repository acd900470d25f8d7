import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from '#local/install/system-packages.ts'
import { type BrokerPorts, rabbitmqEnvironment } from '#local/servers/rabbitmq-settings.ts'
import { outsideDir } from '#local/stack/paths.ts'
import { freePorts } from './free-ports.ts'
import { startPostgres, startRabbitmq } from './private-servers.ts'

/** A PostgreSQL to make databases in: the URL of any of its databases, as administrator. */
export interface PostgresServer {
  url: (database: string) => string
}

/** Class and method id, as AMQP 0-9-1 writes them, of what a client says on its way up and down. */
export const amqpMethods = {
  'connection.open': Buffer.from([0, 10, 0, 40]),
  'channel.open': Buffer.from([0, 20, 0, 10]),
  'queue.declare': Buffer.from([0, 50, 0, 10]),
  'channel.close': Buffer.from([0, 20, 0, 40]),
  'connection.close': Buffer.from([0, 10, 0, 50]),
  'confirm.select': Buffer.from([0, 85, 0, 10]),
}

/** A RabbitMQ to make virtual hosts in. */
export interface RabbitmqServer {
  /** `127.0.0.1:5672`. */
  address: string
  /** With user and password of an administrator. */
  managementUrl: string
  /** Runs `rabbitmqctl`; undefined for a broker that is not ours alone. */
  control: ((...args: string[]) => Promise<void>) | undefined
}

interface Started<T> {
  server: T
  pids: number[]
  stop: () => Promise<void>
}

let postgres: Promise<Started<PostgresServer>> | undefined
let rabbitmq: Promise<Started<RabbitmqServer>> | undefined

/** The one PostgreSQL of this run, started when it is first asked for. */
export async function postgresServer(): Promise<PostgresServer> {
  postgres ??= openPostgres()
  return (await postgres).server
}

/** The one RabbitMQ of this run, started when it is first asked for. */
export async function rabbitmqServer(): Promise<RabbitmqServer> {
  rabbitmq ??= openRabbitmq()
  return (await rabbitmq).server
}

/** The processes of the servers, which are no leak. */
export async function serverPids(): Promise<number[]> {
  const started = await Promise.all([postgres, rabbitmq])
  return started.flatMap((one) => one?.pids ?? [])
}

export async function stopServers(): Promise<void> {
  const started = await Promise.allSettled([rabbitmq, postgres])
  rabbitmq = undefined
  postgres = undefined
  await Promise.all(started.map((one) => one.status === 'fulfilled' && one.value?.stop()))
}

/** Starts a PostgreSQL, or uses the one of TEST_POSTGRES_URL, as the tests of the leak check do. */
async function openPostgres(): Promise<Started<PostgresServer>> {
  const external = process.env.TEST_POSTGRES_URL
  if (external) {
    const url = (database: string) => new URL(`/${database}`, external).href
    return { server: { url }, pids: [], stop: async () => {} }
  }
  const dir = newFolder()
  const [port] = await freePorts(1)
  const settings = { max_notify_queue_pages: '64' } // the fewest: a test fills it
  const server = await startPostgres({ dir, port: port as number, databases: [], settings })
  const stop = async () => {
    await server.stop()
    remove(dir)
  }
  return { server, pids: pidsIn(dir), stop }
}

/** Starts a RabbitMQ, or uses the one of TEST_RABBITMQ_MANAGEMENT_URL and TEST_AMQP_ADDRESS. */
async function openRabbitmq(): Promise<Started<RabbitmqServer>> {
  const { TEST_RABBITMQ_MANAGEMENT_URL: managementUrl, TEST_AMQP_ADDRESS: address } = process.env
  if (managementUrl && address) {
    const server = { address, managementUrl, control: undefined }
    return { server, pids: [], stop: async () => {} }
  }
  const dir = newFolder()
  const [amqp, management, distribution, epmd] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ]
  const ports = { amqp, management, distribution, epmd }
  const running = await startRabbitmq({ dir, ports })
  const server = {
    address: `127.0.0.1:${amqp}`,
    managementUrl: running.managementUrl,
    control: controlOf(join(dir, 'rabbitmq'), ports),
  }
  const stop = async () => {
    await running.stop()
    remove(dir)
  }
  return { server, pids: pidsIn(dir), stop }
}

/** `rabbitmqctl`, or another tool, for the node whose files are in this folder. */
export function controlOf(dir: string, ports: BrokerPorts, name = 'rabbitmqctl') {
  const nodeName = readFileSync(join(dir, 'node-name'), 'utf8').trim()
  const env = rabbitmqEnvironment({ ports, dir, nodeName })
  // Debian's wrapper would run rabbitmqctl as another user, who cannot read these files.
  const tool = join(dirname(programPath('rabbitmq-server')), name)
  const { RUNNING_UNDER_SYSTEMD: _, RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: __, ...forTools } = env
  return async (...args: string[]) => {
    await promisify(execFile)(tool, ['-n', nodeName, ...args], { env: forTools })
  }
}

/** The pids of the servers in a folder, with the epmd of RabbitMQ. */
const pidsIn = (dir: string): number[] =>
  readdirSync(join(dir, 'run')).map((file) => Number(readFileSync(join(dir, 'run', file), 'utf8')))

/** Creates a folder that the user of PostgreSQL can enter when the tests run as root. */
function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-test-'))
  chmodSync(dir, 0o711)
  return dir
}

function remove(dir: string): void {
  rmSync(outsideDir(dir), { recursive: true, force: true })
  rmSync(dir, { recursive: true, force: true })
}
