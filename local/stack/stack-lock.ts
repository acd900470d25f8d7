import { join } from 'node:path'
import { tryLock } from '../install/folder-lock.mjs'

/**
 * Makes this process the only one that runs, or removes, the stack of this folder; throws an Error that
 * names the other one.
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
