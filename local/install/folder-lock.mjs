import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Runs the work under the lock; waits for the lock while its holder lives.
 *
 * @param {string} folder
 * @param {() => void | Promise<void>} work
 */
export async function withFolderLock(folder, work) {
  let lock = tryLock(folder)
  for (; 'holder' in lock; lock = tryLock(folder)) await pause(200)
  try {
    await work()
  } finally {
    lock.release()
  }
}

/**
 * Acquires the lock of a folder, unless a living process holds the lock, which ends with its
 * process. Node from 20.19 on has no file lock, and a stale lock file that is removed and created
 * again may belong to another process by then. So each owner creates the next number: a hard link
 * to a file with its pid, in which only one of several processes succeeds. The highest number is
 * the lock. Its file is emptied at the release, and removed only by the owner of a higher number.
 *
 * @param {string} folder
 * @returns {{ release: () => void } | { holder: number }}
 */
export function tryLock(folder) {
  mkdirSync(folder, { recursive: true })
  for (;;) {
    const highest = Math.max(0, ...numbersIn(folder))
    const holder = livingOwner(folder, highest)
    if (holder !== undefined) return { holder }
    const own = highest + 1
    if (!createNumber(folder, own)) continue
    const others = numbersIn(folder).filter((number) => number !== own)
    const isHighest = others.every((number) => number < own)
    for (const number of isHighest ? others : [own]) rmSync(fileOf(folder, number), { force: true })
    if (isHighest) return { release: () => empty(fileOf(folder, own)) }
  }
}

/**
 * The living process that created the number and has not released it.
 *
 * @param {string} folder
 * @param {number} number
 */
function livingOwner(folder, number) {
  const [pid = '', startedAt] = textOf(fileOf(folder, number)).split(' ')
  return pid !== '' && startTicks(pid) === startedAt && isAlive(Number(pid))
    ? Number(pid)
    : undefined
}

/**
 * Creates the file of a number completely, or not at all; false if the file exists.
 *
 * @param {string} folder
 * @param {number} number
 */
function createNumber(folder, number) {
  const draft = join(folder, `${process.pid}.new`)
  writeFileSync(draft, `${process.pid} ${startTicks(String(process.pid))}`)
  try {
    linkSync(draft, fileOf(folder, number))
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

/** @param {string} file */
function empty(file) {
  if (existsSync(file)) writeFileSync(file, '')
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/**
 * Distinguishes two successive processes with the same pid; empty without /proc.
 *
 * @param {string} pid
 */
const startTicks = (pid) => textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[19] ?? ''

/**
 * @param {string} folder
 * @returns {number[]}
 */
const numbersIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : []

/**
 * @param {string} folder
 * @param {number} number
 */
const fileOf = (folder, number) => join(folder, String(number))

/**
 * The text of a file; empty when the file does not exist or is not readable.
 *
 * @param {string} file
 */
function textOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
