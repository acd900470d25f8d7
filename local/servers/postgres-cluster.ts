import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from '../supervisor/identity.ts'
import { runTask, type Task } from '../supervisor/run-task.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

export type Cluster = {
  dataDir: string
  databases: string[]
  password: string
  stateDir: string
  logFile: string
  binaries: PostgresBinaries
  identity: Identity | undefined
}

/**
 * Creates the data directory with its databases, unless it exists. The directory is renamed when it
 * is complete, so that an interrupted start does not break the next one.
 */
export async function createCluster(cluster: Cluster): Promise<void> {
  if (existsSync(join(cluster.dataDir, 'PG_VERSION'))) return
  const draft = `${cluster.dataDir}.new`
  const passwordFile = `${draft}.password`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 })
  setOwner(cluster.identity, draft, passwordFile)
  try {
    await runTask(initialise(cluster, draft, passwordFile))
  } finally {
    rmSync(passwordFile)
  }
  await runTask(createDatabases(cluster, draft))
  renameSync(draft, cluster.dataDir)
}

/** The builtin locale sorts alike on every system, whatever its libraries. */
function initialise(cluster: Cluster, draft: string, passwordFile: string): Task {
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const text = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const command = [cluster.binaries.initdb, '-D', draft, ...access, ...text, '--locale=C']
  return { ...cluster, name: 'initdb', command, cwd: draft }
}

/** In single-user mode: no server, no port and no client library needed. */
function createDatabases(cluster: Cluster, draft: string): Task {
  const command = [cluster.binaries.postgres, '--single', '-D', draft, '-c', 'exit_on_error=true']
  const input = cluster.databases.map((name) => `CREATE DATABASE "${name}";\n`).join('')
  return { ...cluster, name: 'createdb', command: [...command, 'postgres'], cwd: draft, input }
}

function setOwner(identity: Identity | undefined, ...paths: string[]): void {
  if (identity === undefined) return
  for (const path of paths) chownSync(path, identity.uid, identity.gid)
}
