import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { forgetPostgresVariables } from '#chassis/database/shell-variables.ts'
import { openPlaces, type Places } from '../stack/places.ts'
import { postgresIdentity } from '../supervisor/identity.ts'
import { folderOf, ownProcesses } from '../supervisor/own-processes.ts'
import type { Program } from '../supervisor/program.ts'
import { until } from '../supervisor/waiting.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { createCluster } from './postgres-cluster.ts'
import { type Server, startServer } from './server.ts'
import { storedSecret } from './stored-secret.ts'

export type PostgresOptions = {
  port: number
  /** Made with the cluster, empty. */
  databases: string[]
  /** `-c name=value` settings on top of the defaults, which are durable. */
  settings?: Record<string, string>
}

export type Postgres = { program: Program; url(database: string): string }

/** One PostgreSQL under its own supervision, for tests: the caller stops it. `dir` may be new. */
export async function startPostgres(
  options: PostgresOptions & { dir: string },
): Promise<Server & { url(database: string): string }> {
  const { program, url } = postgres(openPlaces(options.dir), options)
  return Object.assign(await startServer([program]), { url })
}

/**
 * How to run the PostgreSQL of these places; `url` logs in as its administrator. Whoever has a server of
 * its own needs nothing that the shell says of others: it is forgotten.
 */
export function postgres(places: Places, options: PostgresOptions): Postgres {
  forgetPostgresVariables(process.env)
  const identity = postgresIdentity()
  const binaries = postgresBinaries(places.sharedDir, identity)
  const password = storedSecret(join(places.stateDir, 'postgres.password'))
  const dataDir = join(places.sharedDir, 'postgres')
  const logFile = join(places.logsDir, 'postgres.log')
  const address = `127.0.0.1:${options.port}`
  const cluster = { ...places, ...options, dataDir, password, logFile, binaries, identity }

  const program: Program = {
    name: 'postgres',
    address,
    command: [binaries.postgres, '-D', dataDir, ...flags(options)],
    cwd: places.sharedDir,
    env: process.env,
    identity,
    stateDir: places.stateDir,
    pidFile: join(places.runDir, 'postgres.pid'),
    logFile,
    stopSignal: 'SIGINT',
    stopTimeoutMs: 15_000,
    deathSignal: 'INT',
    prepare: async () => {
      await createCluster(cluster)
      await clearAway(places, dataDir)
    },
    isReady: (pid) => reportsReady(dataDir, pid),
  }
  return { program, url: (database) => `postgres://postgres:${password}@${address}/${database}` }
}

function flags({ port, settings }: PostgresOptions): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '300',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...settings,
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** What pg_ctl looks at, too: the first line is the postmaster's pid, the eighth its state. */
function reportsReady(dataDir: string, pid: number): boolean {
  const file = join(dataDir, 'postmaster.pid')
  if (!existsSync(file)) return false
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

/**
 * After a killed postmaster its children linger for a second, and its pid file would stop the next
 * one if the pid was taken by another process meanwhile.
 */
async function clearAway(places: Places, dataDir: string): Promise<void> {
  if (process.platform !== 'linux') return
  const lingering = () => ownProcesses(places).filter(({ pid }) => folderOf(pid) === dataDir)
  await until(() => lingering().length === 0, { timeoutMs: 5_000 })
  for (const { pid } of lingering()) process.kill(pid, 'SIGKILL')
  await until(() => lingering().length === 0, { timeoutMs: 1_000 })
  rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}
