import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type DeathSignal, guardedCommand } from './command.ts'
import type { Identity } from './identity.ts'
import { lastLines } from './log-tail.ts'
import { STACK_VARIABLE } from './own-processes.ts'
import { until } from './waiting.ts'

/** Everything needed to run something, and to run it again. */
export type Program = {
  /** Its name on the screen, of its log and of its pid file. */
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
  /** How long what was started before it must wait, at most, before it is stopped, too. */
  stopHeadStartMs?: number
  /** What it gets when its parent is killed: KILL, unless it would leave children behind. */
  deathSignal: DeathSignal
  /** Runs before every start, also after a crash, and must cope with what the crash left. */
  prepare?(): Promise<void>
  isReady(pid: number): boolean | Promise<boolean>
  /** Answers why it is not ready, as JSON with a list `failing`. */
  readyUrl?: string
}

type Exit = { code: number | null; signal: NodeJS.Signals | null; ranMs: number }

export type Running = {
  pid: number
  exited: Promise<Exit>
  hasExited(): boolean
  /** Asks it to stop; kills it if it does not in time. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** The last lines it wrote since this start. */
  logTail(): string
}

/** Prepares and spawns; does not wait until it is ready. Its pid file lasts as long as it does. */
export async function startProgram(program: Program): Promise<Running> {
  await program.prepare?.()
  const { child, logOffset } = await spawnLogged(program)
  const pid = child.pid as number
  writeFileSync(program.pidFile, `${pid}\n`)

  let exit: Exit | undefined
  const startedAt = performance.now()
  const exited = once(child, 'exit').then(([code, signal]) => {
    sweepGroup(pid)
    rmSync(program.pidFile, { force: true })
    exit = { code, signal, ranMs: performance.now() - startedAt }
    return exit
  })
  const hasExited = () => exit !== undefined
  const kill = async () => {
    sweepGroup(pid)
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

/** Kills the whole process group: the workers of a killed nginx would keep its ports. */
function sweepGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in the group.
  }
}
