import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Of this user every request kills the payments-consumer that handles it. Nobody else has the name.
 */
export const crashingUser = 'crashes-its-consumer'

/**
 * What a stack is started with so that it can be killed so; all its crashes are noted in its
 * folder.
 */
export const crashingRequestsEnvironment = (dir: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${import.meta.resolve('./crashing-requests-preload.ts')}`,
  CHAOS_CRASHING_USER: crashingUser,
  CHAOS_CRASHES_FILE: crashesFile(dir),
})

/**
 * When a payments-consumer of this stack was killed by a message, in milliseconds since the epoch.
 */
export function crashesIn(dir: string): number[] {
  const file = crashesFile(dir)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').trim().split('\n').map(Number)
}

const crashesFile = (dir: string): string => join(dir, 'crashes')
