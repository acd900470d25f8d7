import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export const repositoryDir = resolve(import.meta.dirname, '../..')

/** The folders of a stack. */
export type Paths = {
  stateDir: string
  /** As `stateDir`, but readable by the users of PostgreSQL and of nginx's workers. */
  sharedDir: string
  runDir: string
  logsDir: string
}

/** Creates the folders of a stack. The same state directory always gets the same paths. */
export function preparePaths(stateDir: string): Paths {
  const paths = { stateDir, runDir: join(stateDir, 'run'), logsDir: join(stateDir, 'logs') }
  mkdirSync(paths.runDir, { recursive: true })
  mkdirSync(paths.logsDir, { recursive: true })
  return { ...paths, sharedDir: openSharedDir(stateDir) }
}

/** Whether every user may enter the path and all folders above it. */
export function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0
  return isOpen && (path === dirname(path) || isOpenToAll(dirname(path)))
}

/** The shared folder outside the state directory. `npm run reset` removes the folder, too. */
export function outsideDir(stateDir: string): string {
  const record = join(stateDir, 'outside')
  if (existsSync(record)) return readFileSync(record, 'utf8').trim()
  const name = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 12)
  return `${outsidePrefix}${name}`
}

export const outsidePrefix = '/var/tmp/orders-payments-'

/**
 * The state directory itself, unless root starts programs as other users that cannot enter it (a
 * clone under /root, or a `mktemp -d`). The folder in /var/tmp is recorded: a moved clone finds its
 * data.
 */
function openSharedDir(stateDir: string): string {
  const isRoot = process.getuid?.() === 0
  if (!existsSync(join(stateDir, 'outside')) && (!isRoot || isOpenToAll(stateDir))) return stateDir

  const dir = outsideDir(stateDir)
  mkdirSync(dir, { recursive: true })
  assertOwned(dir)
  chmodSync(dir, 0o711)
  writeFileSync(join(stateDir, 'outside'), `${dir}\n`)
  return dir
}

/** Throws when another user owns the folder: everybody can create folders in /var/tmp. */
function assertOwned(dir: string): void {
  const found = lstatSync(dir)
  if (!dir.startsWith(outsidePrefix) || !found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(
      `${dir} does not belong to this user: remove it, or set LOCAL_DIR to another folder`,
    )
  }
}
