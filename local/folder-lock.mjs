import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Runs the work while no other process holds the lock; waits for it as long as its holder lives.
 *
 * @param {string} folder
 * @param {() => void | Promise<void>} work
 */
export async function withFolderLock(folder, work) {
  mkdirSync(dirname(folder), { recursive: true })
  while (!take(folder)) await pause(200)
  try {
    await work()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} folder */
function take(folder) {
  try {
    mkdirSync(folder)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    if (!holderLives(folder)) rmSync(folder, { recursive: true, force: true })
    return false
  }
  writeFileSync(join(folder, 'pid'), String(process.pid))
  return true
}

/**
 * A folder without a pid was made this instant, or its maker died in that instant: the second try
 * a moment later tells them apart, as the pid is then there or the error is the same.
 *
 * @param {string} folder
 */
function holderLives(folder) {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    if (pid === 0) return true
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH'
  }
}
