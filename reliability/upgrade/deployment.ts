import { join } from 'node:path'
import { preparePaths, repositoryDir } from '#local/stack/paths.ts'
import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { answersOk } from '#local/supervisor/probe.ts'
import type { Running } from '#local/supervisor/program.ts'
import { startReady } from '#local/supervisor/start-ready.ts'
import { runCommand } from '#testing/check-out.ts'
import { freePorts } from '#testing/free-ports.ts'
import { type Entrance, openEntrance } from './entrance.ts'

/** The files of a release, with their dependencies. */
export interface Release {
  name: 'old' | 'new'
  dir: string
}

export const newRelease: Release = { name: 'new', dir: repositoryDir }

export const consumers: readonly ProcessName[] = ['payments-consumer', 'orders-consumer']
export const relays: readonly ProcessName[] = ['orders-relay', 'payments-relay']
export const apis: readonly ProcessName[] = ['orders-api', 'payments-api']

/** The servers of a deployment. */
export interface Urls {
  ordersDatabase: string
  paymentsDatabase: string
  broker: string
}

/**
 * Processes of two releases side by side on the same servers, each started from the sources of its
 * release, by the Node of its release.
 */
export class Deployment {
  readonly #dir: string
  readonly #urls: Urls
  readonly #running = new Map<string, { running: Running; port: number }>()
  readonly #entrances: Map<ProcessName, Entrance>

  private constructor(dir: string, urls: Urls, entrances: Map<ProcessName, Entrance>) {
    this.#dir = dir
    this.#urls = urls
    this.#entrances = entrances
  }

  static async open(dir: string, urls: Urls): Promise<Deployment> {
    const entrances = new Map<ProcessName, Entrance>()
    for (const name of apis) entrances.set(name, await openEntrance())
    return new Deployment(dir, urls, entrances)
  }

  /** Where clients reach an API, whichever releases run. */
  addressOf(name: 'orders-api' | 'payments-api'): string {
    return (this.#entrances.get(name) as Entrance).url
  }

  /** Runs the migrations of a release. Throws unless they succeed. */
  async migrate(release: Release): Promise<void> {
    const command = [nodeOf(release), 'migrations/migrate.ts']
    await runCommand(command[0] as string, command.slice(1), release.dir, this.#environment())
  }

  /** Starts one of each beside whatever runs; resolves when they are ready. */
  async start(
    release: Release,
    names: readonly ProcessName[] = processNames,
    env: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    await Promise.all(names.map((name) => this.#start(release, name, env)))
  }

  /** Stops those of a release as an operator does: SIGTERM, and they finish what they have. */
  async stop(release: Release, names: readonly ProcessName[] = processNames): Promise<void> {
    for (const name of names) {
      const key = `${name} ${release.name}`
      const { running, port } = this.#running.get(key) as { running: Running; port: number }
      this.#entrances.get(name)?.remove(port)
      await running.stop()
      this.#running.delete(key)
    }
  }

  /** Stops all that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ running }) => running.stop()))
    for (const entrance of this.#entrances.values()) entrance.close()
  }

  #environment = (): NodeJS.ProcessEnv => ({
    ORDERS_DATABASE_URL: this.#urls.ordersDatabase,
    PAYMENTS_DATABASE_URL: this.#urls.paymentsDatabase,
    AMQP_URL: this.#urls.broker,
    LOG_LEVEL: 'warn',
    PAYMENT_REQUEST_TIMEOUT_MS: '0', // nothing is repaired by asking again
    RELAY_IDLE_MS: '100',
    RELAY_EVENTS_PER_MESSAGE: '2', // which the old release does not know
  })

  async #start(release: Release, name: ProcessName, env: NodeJS.ProcessEnv): Promise<void> {
    const [port = 0] = await freePorts(1)
    const { stateDir, runDir, logsDir } = preparePaths(this.#dir)
    const fullName = `${name}.${release.name}`
    const own = { PORT: String(port), HOST: '127.0.0.1', ...env }
    const running = await startReady({
      ...{ name: fullName, address: `127.0.0.1:${port}`, cwd: release.dir, stateDir },
      command: [nodeOf(release), `${name}/main.ts`],
      env: { ...process.env, ...this.#environment(), ...own },
      pidFile: join(runDir, `${fullName}.pid`),
      logFile: join(logsDir, `${fullName}.log`),
      ...{ stopSignal: 'SIGTERM', stopTimeoutMs: 12_000, deathSignal: 'KILL' },
      isReady: () => answersOk(`http://127.0.0.1:${port}/readyz`),
    })
    this.#running.set(`${name} ${release.name}`, { running, port })
    this.#entrances.get(name)?.add(port)
  }
}

/** Each release pins its own. */
const nodeOf = ({ dir }: Release): string => join(dir, 'node_modules/.bin/node')
