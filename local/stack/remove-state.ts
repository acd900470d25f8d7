import { existsSync, rmSync } from 'node:fs'
import { stopLeftovers } from '../supervisor/leftovers.ts'
import { openPlaces, outsideDir, outsidePrefix } from './places.ts'
import { lockStack } from './stack-lock.ts'

/** Removes the state of a stack, wherever it is. Throws, and removes nothing, while it runs. */
export async function removeState(stateDir: string): Promise<void> {
  if (!existsSync(stateDir)) return
  const places = openPlaces(stateDir)
  using _lock = lockStack(places.runDir)
  await stopLeftovers(places, console.log)
  const outside = outsideDir(stateDir)
  if (outside.startsWith(outsidePrefix)) rmSync(outside, { recursive: true, force: true })
  rmSync(stateDir, { recursive: true, force: true })
}
