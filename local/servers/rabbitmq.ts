import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../install/system-packages.ts'
import { openPlaces, type Places } from '../stack/places.ts'
import { acceptsConnections, answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import {
  type BrokerPorts,
  type BrokerSettings,
  epmdEnvironment,
  rabbitmqEnvironment,
  rabbitmqFiles,
} from './rabbitmq-settings.ts'
import { type Server, startServer } from './server.ts'
import { storedSecret, storedText, writePrivately } from './stored-secret.ts'

export type RabbitmqUrls = { url: string; managementUrl: string }

export type Rabbitmq = RabbitmqUrls & { epmd: Program; broker: Program; user: string }

/** One RabbitMQ node without supervision, for tests: the caller stops it. `dir` may be new. */
export async function startRabbitmq(options: {
  dir: string
  ports: BrokerPorts
}): Promise<Server & RabbitmqUrls> {
  const { epmd, broker, url, managementUrl } = rabbitmq(openPlaces(options.dir), options.ports)
  return Object.assign(await startServer([epmd, broker]), { url, managementUrl })
}

/**
 * How to run the private RabbitMQ node of these places: first its epmd, then the broker. The URLs
 * log in as its one user, an administrator.
 */
export function rabbitmq(places: Places, ports: BrokerPorts): Rabbitmq {
  const dir = join(places.stateDir, 'rabbitmq')
  const user = 'admin'
  const password = storedSecret(join(places.stateDir, 'rabbitmq.password'))
  const nodeName = storedText(
    join(dir, 'node-name'),
    () => `local-${randomBytes(4).toString('hex')}@localhost`,
  )
  const settings = { ports, dir, nodeName, user, password }
  const managementUrl = `http://${user}:${password}@127.0.0.1:${ports.management}`
  return {
    user,
    url: `amqp://${user}:${password}@127.0.0.1:${ports.amqp}/%2F`,
    managementUrl,
    epmd: epmdProgram(places, settings),
    broker: brokerProgram(places, settings, managementUrl),
  }
}

/** In the foreground and ours, where the node would start a daemon that outlives it. */
function epmdProgram(places: Places, settings: BrokerSettings): Program {
  const port = settings.ports.epmd
  return {
    ...common(places, settings, 'epmd'),
    address: `127.0.0.1:${port}`,
    command: [programPath('epmd'), '-port', String(port), '-address', '127.0.0.1'],
    env: epmdEnvironment(settings),
    stopTimeoutMs: 2_000,
    isReady: () => acceptsConnections(port),
  }
}

function brokerProgram(places: Places, settings: BrokerSettings, managementUrl: string): Program {
  const { amqp } = settings.ports
  return {
    ...common(places, settings, 'rabbitmq'),
    address: `127.0.0.1:${amqp}`,
    command: [programPath('rabbitmq-server')],
    env: rabbitmqEnvironment(settings),
    stopTimeoutMs: 20_000,
    prepare: async () => writeFiles(settings),
    isReady: () => answersOk(`${managementUrl}/api/health/checks/port-listener/${amqp}`),
  }
}

function common(places: Places, { dir }: BrokerSettings, name: string) {
  mkdirSync(join(dir, 'home'), { recursive: true, mode: 0o700 })
  return {
    name,
    cwd: dir,
    stateDir: places.stateDir,
    pidFile: join(places.runDir, `${name}.pid`),
    logFile: join(places.logsDir, `${name}.log`),
    stopSignal: 'SIGTERM',
    deathSignal: 'KILL',
  } as const
}

function writeFiles(settings: BrokerSettings): void {
  for (const [name, text] of Object.entries(rabbitmqFiles(settings))) {
    writePrivately(join(settings.dir, 'conf', name), text)
  }
}
