import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { aptInstall } from './apt.mjs'

/** The packages that npm does not have, by their names in Debian. */
export type SystemPackage =
  | 'rabbitmq-server'
  | 'nginx'
  | 'chromium'
  | 'spin'
  | 'gcc'
  | 'libc6-dev'
  | 'prometheus'
  | 'prometheus-alertmanager'
  | 'prometheus-postgres-exporter'

type SystemProgram = SystemPackage | 'epmd' | 'promtool'

/** Debian's paths come first: its /usr/sbin/rabbitmq-server changes the user with su. */
const candidates: Record<SystemProgram, string[]> = {
  'rabbitmq-server': ['/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server'],
  epmd: ['/usr/bin/epmd', 'epmd'],
  nginx: ['/usr/sbin/nginx', 'nginx'],
  chromium: ['/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome'],
  spin: ['spin'],
  gcc: ['gcc'],
  'libc6-dev': ['/usr/include/stdio.h'],
  prometheus: ['prometheus'],
  promtool: ['promtool'],
  'prometheus-alertmanager': ['prometheus-alertmanager', 'alertmanager'],
  'prometheus-postgres-exporter': ['prometheus-postgres-exporter', 'postgres_exporter'],
}

/** Whether a name is one of the system packages. */
export const isSystemPackage = (name: string): name is SystemPackage =>
  name in candidates && name !== 'epmd' && name !== 'promtool'

/** Folders that are not in the PATH of a service or of a plain user. */
const moreFolders = ['/usr/local/sbin', '/usr/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin']

/**
 * Installs missing packages with apt-get as root on Debian or Ubuntu; elsewhere throws an Error
 * with the exact command to run.
 */
export async function ensureSystemPackages(
  names: SystemPackage[],
  log: (line: string) => void,
): Promise<void> {
  const isMissing = (name: string) => find(name as SystemPackage) === undefined
  const missing = names.filter(isMissing)
  if (missing.length > 0) await aptInstall(missing, { log, isMissing })
}

/** The absolute path of a program. Throws when it is not installed. */
export function programPath(name: SystemProgram): string {
  const path = find(name)
  if (path === undefined) throw new Error(`${name} is not installed on this machine`)
  return path
}

function find(name: SystemProgram): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...moreFolders]
  return candidates[name]
    .flatMap((path) => (path.startsWith('/') ? [path] : folders.map((dir) => join(dir, path))))
    .find((path) => existsSync(path))
}
