import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { paste } from './paste.ts'

/**
 * A copy of the repository as a clone has it, without dependencies; what is not committed yet is in
 * it.
 */
export async function copyRepository(): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'orders-payments-commands-'))
  const { output } = await paste('git ls-files -co --exclude-standard', { cwd: '.' })
  for (const file of output.trim().split('\n').filter(existsSync)) {
    mkdirSync(dirname(join(home, file)), { recursive: true })
    cpSync(file, join(home, file))
  }
  return home
}

/** Makes the copy as empty as it was. */
export const removeDependencies = (home: string): void =>
  rmSync(join(home, 'node_modules'), { recursive: true, force: true })

/**
 * What turns the environment of an npm script back into that of the shell in which npm was called:
 * no Node of ours, and nothing that npm says to its scripts. npm takes from its cache what is
 * there.
 */
export function shellEnvironment(): NodeJS.ProcessEnv {
  const isOfNpm = (name: string) =>
    /^npm_(?!config_)|^(NODE|INIT_CWD|NODE_OPTIONS)$/.test(name) && name in process.env
  const forgotten = Object.keys(process.env).filter(isOfNpm)
  const folders = (process.env.PATH ?? '').split(delimiter)
  const isOwn = (folder: string) => /node_modules\/(\.bin|.*node-gyp-bin)$/.test(folder)
  return {
    ...Object.fromEntries(forgotten.map((name) => [name, undefined])),
    PATH: folders.filter((folder) => !isOwn(folder)).join(delimiter),
    npm_config_prefer_offline: 'true',
  }
}

/**
 * The Node of that shell, and whether it runs TypeScript by itself, as ours does and 20.19 does
 * not.
 */
export function shellNode(): { version: string; runsTypeScript: boolean } {
  const print = 'JSON.stringify([process.version, Boolean(process.features.typescript)])'
  const env = { ...process.env, ...shellEnvironment() }
  const { stdout } = spawnSync('node', ['-p', print], { env, encoding: 'utf8' })
  const [version, runsTypeScript] = JSON.parse(stdout) as [string, boolean]
  return { version, runsTypeScript }
}
