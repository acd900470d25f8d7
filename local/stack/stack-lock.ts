import { join } from 'node:path'
import { tryLock } from '../install/folder-lock.mjs'

/**
 * Acquires the lock for running, or removing, the stack of a folder. Throws an Error that names the
 * process that holds the lock.
 */
export function lockStack(runDir: string): Disposable {
  const folder = join(runDir, 'lock')
  const lock = tryLock(folder)
  if ('release' in lock) return { [Symbol.dispose]: lock.release }
  throw new Error(
    `This stack is already running, as process ${lock.holder} (${folder}).\n` +
      `Stop it with Ctrl-C in its terminal, or: kill ${lock.holder}`,
  )
}
