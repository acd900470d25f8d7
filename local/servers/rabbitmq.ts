import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../install/system-packages.ts'
import type { Paths } from '../stack/paths.ts'
import { acceptsConnections, answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import {
  type BrokerPorts,
  type BrokerSettings,
  epmdEnvironment,
  rabbitmqEnvironment,
  rabbitmqFiles,
} from './rabbitmq-settings.ts'
import { storedPasswords, storedSecret, storedText, writePrivately } from './stored-secret.ts'

export type RabbitmqUrls = { url: string; managementUrl: string }

export type Rabbitmq = RabbitmqUrls & { epmd: Program; broker: Program; user: string }

/**
 * The programs of a private RabbitMQ node: first its epmd, then the broker. The URLs log in as its
 * administrator; each role has a user of its own.
 */
export function rabbitmq(paths: Paths, ports: BrokerPorts): Rabbitmq {
  const dir = join(paths.stateDir, 'rabbitmq')
  const user = 'admin'
  const password = storedSecret(join(paths.stateDir, 'rabbitmq.password'))
  const nodeName = storedText(
    join(dir, 'node-name'),
    () => `local-${randomBytes(4).toString('hex')}@localhost`,
  )
  const passwords = storedPasswords(paths.stateDir)
  const settings = { ports, dir, nodeName, user, password, passwords }
  const managementUrl = `http://${user}:${password}@127.0.0.1:${ports.management}`
  return {
    user,
    url: `amqp://${user}:${password}@127.0.0.1:${ports.amqp}/%2F`,
    managementUrl,
    epmd: epmdProgram(paths, settings),
    broker: brokerProgram(paths, settings, managementUrl),
  }
}

/** An epmd in the foreground: the node itself would start a daemon that outlives it. */
function epmdProgram(paths: Paths, settings: BrokerSettings): Program {
  const port = settings.ports.epmd
  return {
    ...common(paths, settings, 'epmd'),
    address: `127.0.0.1:${port}`,
    command: [programPath('epmd'), '-port', String(port), '-address', '127.0.0.1'],
    env: epmdEnvironment(settings),
    stopTimeoutMs: 2_000,
    isReady: () => acceptsConnections(port),
  }
}

function brokerProgram(paths: Paths, settings: BrokerSettings, managementUrl: string): Program {
  const { amqp } = settings.ports
  return {
    ...common(paths, settings, 'rabbitmq'),
    address: `127.0.0.1:${amqp}`,
    command: [programPath('rabbitmq-server')],
    env: rabbitmqEnvironment(settings),
    stopTimeoutMs: 20_000,
    prepare: async () => writeFiles(settings),
    isReady: () => answersOk(`${managementUrl}/api/health/checks/port-listener/${amqp}`),
  }
}

function common(paths: Paths, { dir }: BrokerSettings, name: string) {
  mkdirSync(join(dir, 'home'), { recursive: true, mode: 0o700 })
  return {
    name,
    cwd: dir,
    stateDir: paths.stateDir,
    pidFile: join(paths.runDir, `${name}.pid`),
    logFile: join(paths.logsDir, `${name}.log`),
    stopSignal: 'SIGTERM',
    deathSignal: 'KILL',
  } as const
}

function writeFiles(settings: BrokerSettings): void {
  for (const [name, text] of Object.entries(rabbitmqFiles(settings))) {
    writePrivately(join(settings.dir, 'conf', name), text)
  }
}
