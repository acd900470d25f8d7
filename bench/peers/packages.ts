import { cpSync, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'
import { runCommand } from '#testing/check-out.ts'

/** The peers have a lock file of their own: neither the program nor its tests need them. */
const wantedDir = join(import.meta.dirname, 'packages')
const dir = join(repositoryDir, 'node_modules/.cache/peers')

/** Installs them, unless they are there, without any install script. */
export async function installPackages(progress: (line: string) => void): Promise<void> {
  if (isInstalled()) return
  progress('Installing DBOS Transact and Restate from npm')
  cpSync(wantedDir, dir, { recursive: true })
  await runCommand('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], dir)
}

/** npm writes its own list at the end. */
function isInstalled(): boolean {
  const lockOf = (folder: string) => readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const isComplete = existsSync(join(dir, 'node_modules/.package-lock.json'))
  return isComplete && lockOf(dir) === lockOf(wantedDir)
}

/** One of these packages, without its types: a clone need not have it. */
export const requirePackage = createRequire(join(dir, 'package.json'))

/** The server of Restate for this platform. */
export const restateServer = (): string =>
  join(
    dir,
    'node_modules/@restatedev',
    `restate-server-${process.platform}-${process.arch}`,
    'bin/restate-server',
  )
