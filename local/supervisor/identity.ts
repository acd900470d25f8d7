import { execFileSync, spawnSync } from 'node:child_process'

/** The user that a program runs as. */
export type Identity = { uid: number; gid: number }

/** The user of PostgreSQL, which refuses root: for root the user `postgres`, created if missing. */
export function postgresIdentity(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (spawnSync('id', ['-u', 'postgres']).status !== 0) addUser('postgres')
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
}

function addUser(name: string): void {
  const args = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
  const { status, stderr, error } = spawnSync('useradd', [...args, name], { encoding: 'utf8' })
  if (status === 0) return
  const why = error?.message ?? stderr.trim()
  throw new Error(
    `PostgreSQL does not run as root, and the user ${name} could not be created: ${why}`,
  )
}
