import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
  try {
    writeFileSync(join(folder, 'pid'), String(process.pid))
    return true
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** A folder that has no pid after so long will have none: its maker died in between. */
const pidWithinMs = 5_000

/** @param {string} folder */
function holderLives(folder) {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    if (pid === 0) return isNew(folder)
    process.kill(pid, 0)
    return true
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    return code === 'ENOENT' ? isNew(folder) : code !== 'ESRCH'
  }
}

/**
 * One that is gone meanwhile is as good as new: the next try takes it.
 *
 * @param {string} folder
 */
function isNew(folder) {
  const stat = statSync(folder, { throwIfNoEntry: false })
  return stat === undefined || Date.now() - stat.mtimeMs < pidWithinMs
}
