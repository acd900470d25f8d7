import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type DeathSignal, guardedCommand } from './command.ts'
import type { Identity } from './identity.ts'
import { lastLines } from './log-tail.ts'
import { STACK_VARIABLE } from './own-processes.ts'
import { keepSmall } from './rotate-log.ts'
import { until } from './waiting.ts'

/** All that is needed to start a program, and to restart it. */
export type Program = {
  /** The name on the terminal, of the log and of the pid file. */
  name: string
  address: string
  command: string[]
  cwd: string
  env: NodeJS.ProcessEnv
  identity?: Identity | undefined
  stateDir: string
  pidFile: string
  logFile: string
  stopSignal: NodeJS.Signals
  stopTimeoutMs: number
  /** How long programs that were started earlier wait, at most, before they are stopped. */
  stopHeadStartMs?: number
  /** The signal when its parent is killed: KILL, unless its children would survive. */
  deathSignal: DeathSignal
  /** Runs before every start, also after a crash. */
  prepare?(): Promise<void>
  isReady(pid: number): boolean | Promise<boolean>
  /** Answers with JSON, whose list `failing` has the failing checks. */
  readyUrl?: string
}

type Exit = { code: number | null; signal: NodeJS.Signals | null; ranMs: number }

export type Running = {
  pid: number
  exited: Promise<Exit>
  hasExited(): boolean
  /** Sends the stop signal, and SIGKILL after `stopTimeoutMs`. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** The last lines of the log since this start. */
  logTail(): string
}

/** Prepares and spawns a program. The pid file exists while the program runs. */
export async function startProgram(program: Program): Promise<Running> {
  await program.prepare?.()
  const { child, logOffset } = await spawnLogged(program)
  const pid = child.pid as number
  writeFileSync(program.pidFile, `${pid}\n`)

  const stopRotating = keepSmall(program.logFile)
  let exit: Exit | undefined
  const startedAt = performance.now()
  const exited = once(child, 'exit').then(([code, signal]) => {
    killGroup(pid)
    stopRotating()
    rmSync(program.pidFile, { force: true })
    exit = { code, signal, ranMs: performance.now() - startedAt }
    return exit
  })
  const hasExited = () => exit !== undefined
  const kill = async () => {
    killGroup(pid)
    await exited
  }
  const stop = async () => {
    child.kill(program.stopSignal)
    if (!(await until(hasExited, { timeoutMs: program.stopTimeoutMs, everyMs: 20 }))) await kill()
  }
  return {
    pid,
    exited,
    hasExited,
    stop,
    kill,
    logTail: () => lastLines(program.logFile, logOffset),
  }
}

async function spawnLogged(program: Program): Promise<{ child: ChildProcess; logOffset: number }> {
  const { file, args, options } = guardedCommand(program.command, program)
  const log = openSync(program.logFile, 'a')
  try {
    const child = spawn(file, args, {
      ...options,
      cwd: program.cwd,
      env: { ...program.env, [STACK_VARIABLE]: program.stateDir },
      stdio: ['ignore', log, log],
    })
    await once(child, 'spawn')
    return { child, logOffset: statSync(program.logFile).size }
  } finally {
    closeSync(log)
  }
}

/** Kills the process group: the workers of a killed nginx would keep its ports. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has no process any more.
  }
}
