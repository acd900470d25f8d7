import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Of this user every request kills the payments-consumer that handles it. Nobody else has the name.
 */
export const deadlyUser = 'kills-its-consumer'

/**
 * What a stack is started with so that it can be killed so; all its deaths are noted in its folder.
 */
export const mortalEnvironment = (dir: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=${import.meta.resolve('./mortal-preload.ts')}`,
  CHAOS_DEADLY_USER: deadlyUser,
  CHAOS_DEATHS_FILE: deathsFile(dir),
})

/**
 * When a payments-consumer of this stack was killed by a message, in milliseconds since the epoch.
 */
export function deathsIn(dir: string): number[] {
  const file = deathsFile(dir)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').trim().split('\n').map(Number)
}

const deathsFile = (dir: string): string => join(dir, 'deaths')
