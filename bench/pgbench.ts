import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** So many charges, and by whom. */
export interface Charging {
  paymentsUrl: string
  /** A multiple of `clients`. */
  count: number
  clients: number
  accounts: number
}

export const hasPgbench = (): boolean => spawnSync('pgbench', ['--version']).status === 0

/** So many charges, one transaction each, as fast as pgbench's prepared statements can. */
export async function runPgbench({ paymentsUrl, count, clients, accounts }: Charging) {
  const script = join(import.meta.dirname, 'charge.pgbench.sql')
  const load = [
    '-c',
    `${clients}`,
    '-j',
    '2',
    '-t',
    `${count / clients}`,
    '-D',
    `users=${accounts}`,
  ]
  const options = ['--no-vacuum', '--protocol=prepared', '--file', script, ...load]
  await promisify(execFile)('pgbench', options, { env: { ...process.env, ...login(paymentsUrl) } })
}

/** In the environment, where `ps` does not show it. */
function login(url: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
  }
}
