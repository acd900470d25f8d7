import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { guardedCommand } from './command.ts'
import type { Identity } from './identity.ts'
import { lastLines } from './log-tail.ts'
import { STACK_VARIABLE } from './own-processes.ts'

/** A command that ends, unlike a program that is supervised. */
export type Task = {
  name: string
  command: string[]
  cwd: string
  logFile: string
  stateDir: string
  env?: NodeJS.ProcessEnv
  identity?: Identity | undefined
  /** Written to its standard input. */
  input?: string
}

/** Runs a task to its end. Throws with the last lines of its output unless it exits with 0. */
export async function runTask(task: Task): Promise<void> {
  const offset = existsSync(task.logFile) ? statSync(task.logFile).size : 0
  const { file, args, options } = guardedCommand(task.command, { ...task, deathSignal: 'KILL' })
  const log = openSync(task.logFile, 'a')
  const child = spawn(file, args, {
    ...options,
    cwd: task.cwd,
    env: { ...(task.env ?? process.env), [STACK_VARIABLE]: task.stateDir },
    stdio: ['pipe', log, log],
  })
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(task.input ?? '')

  const [code, signal] = await once(child, 'exit')
  if (code === 0) return
  const tail = lastLines(task.logFile, offset)
  throw new Error(`${task.name} failed (${signal ?? `exit code ${code}`})\n${tail}`)
}
