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

/** Where the stack of one state directory keeps its things. */
export type Places = {
  stateDir: string
  /** As `stateDir`, but open to the users that PostgreSQL and nginx's workers run as. */
  sharedDir: string
  runDir: string
  logsDir: string
}

/** Creates the folders. One state directory always gets the same places. */
export function openPlaces(stateDir: string): Places {
  const places = { stateDir, runDir: join(stateDir, 'run'), logsDir: join(stateDir, 'logs') }
  mkdirSync(places.runDir, { recursive: true })
  mkdirSync(places.logsDir, { recursive: true })
  return { ...places, sharedDir: openSharedDir(stateDir) }
}

/** Whether every user may pass through all folders above and, if it is one, into the path. */
export function isOpenToAll(path: string): boolean {
  const isOpen = (statSync(path).mode & 0o001) !== 0
  return isOpen && (path === dirname(path) || isOpenToAll(dirname(path)))
}

/** The folder outside the state directory, were one needed; `npm run reset` removes it too. */
export function outsideDir(stateDir: string): string {
  const record = join(stateDir, 'outside')
  if (existsSync(record)) return readFileSync(record, 'utf8').trim()
  const name = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 12)
  return `${outsidePrefix}${name}`
}

export const outsidePrefix = '/var/tmp/orders-payments-'

/**
 * Only root starts programs as other users, and a clone under /root or a `mktemp -d` shuts those
 * out. The folder in /var/tmp is recorded, so that a moved clone finds its data again.
 */
function openSharedDir(stateDir: string): string {
  const isRoot = process.getuid?.() === 0
  if (!existsSync(join(stateDir, 'outside')) && (!isRoot || isOpenToAll(stateDir))) return stateDir

  const dir = outsideDir(stateDir)
  mkdirSync(dir, { recursive: true })
  refuseForeign(dir)
  chmodSync(dir, 0o711)
  writeFileSync(join(stateDir, 'outside'), `${dir}\n`)
  return dir
}

/** /var/tmp is everybody's: a folder that somebody else made in our name must not be used. */
function refuseForeign(dir: string): void {
  const found = lstatSync(dir)
  if (!dir.startsWith(outsidePrefix) || !found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${dir} is not a folder of this user: remove it, or name another LOCAL_DIR`)
  }
}
