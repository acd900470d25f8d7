import { reportWhileWaiting, whyNotReady } from './not-ready.ts'
import { type Program, type Running, startProgram } from './program.ts'
import { nextRestart, noDeaths, type Streak } from './restart-policy.ts'
import type { RestartQueue } from './restart-queue.ts'
import { describeExit, startReady } from './start-ready.ts'
import { pause, secondsSince, until } from './waiting.ts'

export type Print = (line: string) => void

export type Supervised = {
  name: string
  /** Resolves when the program is ready for the first time; rejects when it fails before. */
  ready: Promise<void>
  /** Stops the program, and restarts it no more. */
  stop(): Promise<void>
}

/** Starts a program and, once it was ready, restarts it whenever it dies. */
export function supervise(program: Program, queue: RestartQueue, print: Print): Supervised {
  const stopping = new AbortController()
  const startedAt = performance.now()
  const report = (reason: string) => print(waitingLine(program, startedAt, reason))
  const first = startReady(program, { signal: stopping.signal, report })
  const loop = first.then((running) =>
    restartWhenDead({ program, queue, print, signal: stopping.signal }, running),
  )
  const ready = first.then(() => print(statusLine(program, 'ready', startedAt)))
  loop.catch(() => undefined)
  return {
    name: program.name,
    ready,
    stop: async () => {
      stopping.abort()
      await loop.catch(() => undefined)
    },
  }
}

/** `postgres             ready      0.9 s   127.0.0.1:18001` */
export function statusLine(
  { name, address }: { name: string; address: string },
  status: string,
  startedAt: number,
): string {
  const took = secondsSince(startedAt).padStart(7)
  return `${name.padEnd(20)} ${status.padEnd(8)} ${took}   ${address}`.trimEnd()
}

/** `orders-relay         waits      5.0 s   for broker: …` */
export const waitingLine = (
  { name }: { name: string },
  startedAt: number,
  reason: string,
): string => statusLine({ name, address: `for ${reason}` }, 'waits', startedAt)

interface Supervision {
  program: Program
  queue: RestartQueue
  print: Print
  signal: AbortSignal
}

async function restartWhenDead(supervision: Supervision, first: Running): Promise<void> {
  const { program, print, signal } = supervision
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve())
  })
  let running: Running | undefined = first
  let streak = noDeaths
  while (running !== undefined) {
    await Promise.race([running.exited, aborted])
    if (signal.aborted) return running.stop()

    const exit = await running.exited
    streak = nextRestart(streak, exit.ranMs)
    print(`${program.name} ended (${describeExit(exit)}), restarting ${when(streak)}`)
    running = await restart(supervision, streak)
  }
}

/** Tries until the program is spawned; undefined when the signal was aborted first. */
async function restart(supervision: Supervision, first: Streak): Promise<Running | undefined> {
  const { program, queue, print, signal } = supervision
  for (let streak = first; !signal.aborted; streak = nextRestart(streak, 0)) {
    await pause(streak.delayMs, signal)
    const leave = await queue.enter(program.name, signal)
    if (signal.aborted) return undefined
    try {
      const running = await startProgram(program)
      void printWhenReady(supervision, running).finally(leave)
      return running
    } catch (error) {
      leave()
      print(`${program.name} could not be started: ${(error as Error).message}`)
    }
  }
  return undefined
}

async function printWhenReady(
  { program, print, signal }: Supervision,
  running: Running,
): Promise<void> {
  const startedAt = performance.now()
  const isReady = async () => running.hasExited() || (await program.isReady(running.pid))
  const ended = new AbortController()
  const report = (reason: string) => print(waitingLine(program, startedAt, reason))
  const over = AbortSignal.any([signal, ended.signal])
  void reportWhileWaiting(report, () => whyNotReady(program, running), over)
  const isDecided = await until(isReady, { timeoutMs: Number.POSITIVE_INFINITY, signal })
  ended.abort()
  if (isDecided && !running.hasExited()) print(statusLine(program, 'again', startedAt))
}

function when({ delayMs }: Streak): string {
  return delayMs === 0 ? 'now' : `in ${delayMs / 1_000} s`
}
