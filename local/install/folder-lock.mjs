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
 * Runs the work while no other process has the lock; waits for it as long as its holder lives.
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
 * Takes the lock that this folder is, unless a living process has it; it ends with its process at the
 * latest. There is no lock of the system's that every Node from 20.19 can take, and a lock file that is
 * found stale, removed and made anew may be somebody else's by then. So each owner makes the next number:
 * a hard link to a file that says who it is, which one of several succeeds in. The highest number is
 * the lock. It is emptied when it is released, and removed only by who has made a higher one.
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
    if (!makeNumber(folder, own)) continue
    const others = numbersIn(folder).filter((number) => number !== own)
    const isHighest = others.every((number) => number < own)
    for (const number of isHighest ? others : [own]) rmSync(fileOf(folder, number), { force: true })
    if (isHighest) return { release: () => empty(fileOf(folder, own)) }
  }
}

/**
 * The process that has made the number and has not released it, if it lives.
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
 * Whole or not at all, and not if it is there.
 *
 * @param {string} folder
 * @param {number} number
 */
function makeNumber(folder, number) {
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
 * Distinguishes two processes that got the same pid one after the other; empty without /proc.
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
 * Empty when it is not there, or not ours to see.
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
