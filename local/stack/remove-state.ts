import { existsSync, rmSync } from 'node:fs'
import { stopOrphans } from '../supervisor/orphans.ts'
import { outsideDir, outsidePrefix, preparePaths } from './paths.ts'
import { lockStack } from './stack-lock.ts'

/** Removes all folders of a stack. Throws, and removes nothing, while the stack runs. */
export async function removeState(stateDir: string): Promise<void> {
  if (!existsSync(stateDir)) return
  const paths = preparePaths(stateDir)
  using _lock = lockStack(paths.runDir)
  await stopOrphans(paths, console.log)
  const outside = outsideDir(stateDir)
  if (outside.startsWith(outsidePrefix)) rmSync(outside, { recursive: true, force: true })
  rmSync(stateDir, { recursive: true, force: true })
}
