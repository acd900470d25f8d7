import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { deletePostgresVariables } from '#chassis/database/shell-variables.ts'
import type { Paths } from '../stack/paths.ts'
import { postgresIdentity } from '../supervisor/identity.ts'
import { folderOf, ownProcesses } from '../supervisor/own-processes.ts'
import type { Program } from '../supervisor/program.ts'
import { until } from '../supervisor/waiting.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { createCluster } from './postgres-cluster.ts'
import { storedSecret } from './stored-secret.ts'

export type PostgresOptions = {
  port: number
  /** Empty databases that are created with the cluster. */
  databases: string[]
  /** Settings (`-c name=value`) in addition to the defaults, which are durable. */
  settings?: Record<string, string>
}

export type Postgres = { program: Program; url(database: string): string }

/**
 * The program of a private PostgreSQL; `url` logs in as its administrator. Variables of the shell
 * for other servers (PGHOST …) are removed from the environment.
 */
export function postgres(paths: Paths, options: PostgresOptions): Postgres {
  deletePostgresVariables(process.env)
  const identity = postgresIdentity()
  const binaries = postgresBinaries(paths.sharedDir, identity)
  const password = storedSecret(join(paths.stateDir, 'postgres.password'))
  const dataDir = join(paths.sharedDir, 'postgres')
  const logFile = join(paths.logsDir, 'postgres.log')
  const address = `127.0.0.1:${options.port}`
  const cluster = { ...paths, ...options, dataDir, password, logFile, binaries, identity }

  const program: Program = {
    name: 'postgres',
    address,
    command: [binaries.postgres, '-D', dataDir, ...flags(options)],
    cwd: paths.sharedDir,
    env: process.env,
    identity,
    stateDir: paths.stateDir,
    pidFile: join(paths.runDir, 'postgres.pid'),
    logFile,
    stopSignal: 'SIGINT',
    stopTimeoutMs: 15_000,
    deathSignal: 'INT',
    prepare: async () => {
      await createCluster(cluster)
      await removeRemains(paths, dataDir)
    },
    isReady: (pid) => reportsReady(dataDir, pid),
  }
  return { program, url: (database) => `postgres://postgres:${password}@${address}/${database}` }
}

/** docker-compose.yml has the same. */
export const maxConnections = 300

function flags({ port, settings }: PostgresOptions): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: String(maxConnections),
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...settings,
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** As pg_ctl does: the first line of postmaster.pid is the pid, the eighth line the state. */
function reportsReady(dataDir: string, pid: number): boolean {
  const file = join(dataDir, 'postmaster.pid')
  if (!existsSync(file)) return false
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

/**
 * Removes what a killed postmaster leaves: its children live for another second, and its pid file
 * stops the next postmaster when another process has got the pid.
 */
async function removeRemains(paths: Paths, dataDir: string): Promise<void> {
  if (process.platform !== 'linux') return
  const children = () => ownProcesses(paths).filter(({ pid }) => folderOf(pid) === dataDir)
  await until(() => children().length === 0, { timeoutMs: 5_000 })
  for (const { pid } of children()) process.kill(pid, 'SIGKILL')
  await until(() => children().length === 0, { timeoutMs: 1_000 })
  rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}
