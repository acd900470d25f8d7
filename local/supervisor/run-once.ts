import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { guardedCommand } from './command.ts'
import type { Identity } from './identity.ts'
import { lastLines } from './log-tail.ts'
import { STACK_VARIABLE } from './own-processes.ts'

export type Errand = {
  name: string
  command: string[]
  cwd: string
  logFile: string
  stateDir: string
  env?: NodeJS.ProcessEnv
  identity?: Identity | undefined
  /** What it reads from its standard input. */
  input?: string
}

/** Runs a command to its end. Throws with the last lines of its output unless it exits with 0. */
export async function runOnce(errand: Errand): Promise<void> {
  const offset = existsSync(errand.logFile) ? statSync(errand.logFile).size : 0
  const { file, args, options } = guardedCommand(errand.command, { ...errand, deathSignal: 'KILL' })
  const log = openSync(errand.logFile, 'a')
  const child = spawn(file, args, {
    ...options,
    cwd: errand.cwd,
    env: { ...(errand.env ?? process.env), [STACK_VARIABLE]: errand.stateDir },
    stdio: ['pipe', log, log],
  })
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(errand.input ?? '')

  const [code, signal] = await once(child, 'exit')
  if (code === 0) return
  const tail = lastLines(errand.logFile, offset)
  throw new Error(`${errand.name} failed (${signal ?? `exit code ${code}`})\n${tail}`)
}
