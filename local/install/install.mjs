// Runs before every npm script, on any Node and without node_modules: installs the dependencies of
// package-lock.json. Silent and quick when they are installed. Then runs the script of its
// arguments, if any, on the pinned Node: the shell of the npm script would not find the pinned
// Node, since the shell remembers where `node` was before the installation.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { aptInstall } from './apt.mjs'
import { withFolderLock } from './folder-lock.mjs'

const root = resolve(import.meta.dirname, '../..')
const pinnedNode = join(root, 'node_modules/.bin/node')
const otherWay = 'Or run everything in containers: docker compose up --build'

try {
  if (!isInstalled()) await withFolderLock(join(root, '.local/install.lock'), install)
  if (process.argv.length > 2) process.exitCode = runPinned(process.argv.slice(2))
} catch (error) {
  console.error(/** @type {Error} */ (error).message)
  process.exit(1)
}

/** Checks again: another command may have installed while this one waited for the lock. */
async function install() {
  if (isInstalled()) return
  await ensureLibatomic()
  console.error('Installing the dependencies that package-lock.json names (npm ci)')
  runNpm([
    'ci',
    '--include=dev',
    '--include=optional',
    '--ignore-scripts=false',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ])
  checkPinnedNode()
}

/**
 * Compares the lock file with the versions that npm recorded at the end of its last run. Only
 * optional packages may be missing, such as the binaries of other platforms.
 */
function isInstalled() {
  const written = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(written) || !existsSync(pinnedNode)) return false
  const installed = packagesOf(written)
  return Object.entries(packagesOf(join(root, 'package-lock.json')))
    .filter(([path]) => path !== '')
    .every(([path, wanted]) => {
      const found = installed[path]
      return found === undefined ? wanted.optional === true : found.version === wanted.version
    })
}

/**
 * @param {string} file
 * @returns {Record<string, { version: string, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

/**
 * The pinned Linux binary of Node needs libatomic, and npm puts that binary first in the PATH of
 * install scripts. Without libatomic, npm silently leaves out optional packages.
 */
async function ensureLibatomic() {
  const isMissing = () => process.platform === 'linux' && !hasLibrary('libatomic.so.1')
  if (isMissing()) await aptInstall(['libatomic1'], { log: console.error, isMissing })
}

/** @param {string} name */
function hasLibrary(name) {
  const roots = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'].filter(existsSync)
  const folders = roots.flatMap((dir) => [dir, ...subfolders(dir)])
  return folders.some((dir) => existsSync(join(dir, name)))
}

/** @param {string} dir */
function subfolders(dir) {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.endsWith('-linux-gnu'))
    .map((entry) => join(dir, entry.name))
}

/**
 * The npm that runs this script, on the Node that runs it.
 *
 * @param {string[]} args
 */
function runNpm(args) {
  const cli = process.env.npm_execpath
  const [file, first] = cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
  // The output of npm goes to stderr, since others may read the output of the script.
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const options = { cwd: root, stdio: ['inherit', 2, 'inherit'] }
  const { status, error } = spawnSync(file, [...first, ...args], options)
  if (status !== 0)
    throw new Error(`npm ${args[0]} failed (${error?.message ?? `exit code ${status}`})`)
}

/** @param {string[]} args */
function runPinned(args) {
  const { status, error } = spawnSync(pinnedNode, args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

function checkPinnedNode() {
  const { status, stderr, error } = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' })
  if (status === 0) return
  const why = error?.message ?? stderr.trim()
  throw new Error(`The pinned Node does not run on this machine: ${why}\n${otherWay}`)
}
