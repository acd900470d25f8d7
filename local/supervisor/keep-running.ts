import { describeExit, startReady } from '../servers/server.ts'
import { sayWhileWaiting, whyNotReady } from '../stack/not-ready.ts'
import { type Program, type Running, startProgram } from './program.ts'
import { nextRestart, noDeaths, type Streak } from './restart-policy.ts'
import type { RestartTurns } from './restart-turns.ts'
import { pause, secondsSince, until } from './waiting.ts'

export type Print = (line: string) => void

export type Kept = {
  name: string
  /** Resolves at the first readiness; rejects when it does not come to that. */
  ready: Promise<void>
  /** Ends the program and the watch over it, at whatever point they are. */
  stop(): Promise<void>
}

/** Starts a program and, once it was ready, starts it again whenever it dies. */
export function keepRunning(program: Program, turns: RestartTurns, print: Print): Kept {
  const stopping = new AbortController()
  const startedAt = performance.now()
  const say = (what: string) => print(waitingLine(program, startedAt, what))
  const first = startReady(program, { signal: stopping.signal, say })
  const watch = first.then((running) =>
    watchOver({ program, turns, print, signal: stopping.signal }, running),
  )
  const ready = first.then(() => print(stepLine(program, 'ready', startedAt)))
  watch.catch(() => undefined)
  return {
    name: program.name,
    ready,
    stop: async () => {
      stopping.abort()
      await watch.catch(() => undefined)
    },
  }
}

/** `postgres             ready      0.9 s   127.0.0.1:18001` */
export function stepLine(
  { name, address }: { name: string; address: string },
  what: string,
  startedAt: number,
): string {
  const took = secondsSince(startedAt).padStart(7)
  return `${name.padEnd(20)} ${what.padEnd(8)} ${took}   ${address}`.trimEnd()
}

/** `orders-relay         waits      5.0 s   for broker: …` */
export const waitingLine = ({ name }: { name: string }, startedAt: number, what: string): string =>
  stepLine({ name, address: `for ${what}` }, 'waits', startedAt)

interface Keeping {
  program: Program
  turns: RestartTurns
  print: Print
  signal: AbortSignal
}

async function watchOver(keeping: Keeping, first: Running): Promise<void> {
  const { program, print, signal } = keeping
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
    print(`${program.name} ended (${describeExit(exit)}), starting it again ${when(streak)}`)
    running = await startAgain(keeping, streak)
  }
}

/** Tries until it is spawned; undefined when the signal came first. */
async function startAgain(keeping: Keeping, first: Streak): Promise<Running | undefined> {
  const { program, turns, print, signal } = keeping
  for (let streak = first; !signal.aborted; streak = nextRestart(streak, 0)) {
    await pause(streak.delayMs, signal)
    const endTurn = await turns.take(program.name, signal)
    if (signal.aborted) return undefined
    try {
      const running = await startProgram(program)
      void announce(keeping, running).finally(endTurn)
      return running
    } catch (error) {
      endTurn()
      print(`${program.name} could not be started: ${(error as Error).message}`)
    }
  }
  return undefined
}

async function announce({ program, print, signal }: Keeping, running: Running): Promise<void> {
  const startedAt = performance.now()
  const isReady = async () => running.hasExited() || (await program.isReady(running.pid))
  const waiting = new AbortController()
  const say = (what: string) => print(waitingLine(program, startedAt, what))
  const over = AbortSignal.any([signal, waiting.signal])
  void sayWhileWaiting(say, () => whyNotReady(program, running), over)
  const settled = await until(isReady, { timeoutMs: Number.POSITIVE_INFINITY, signal })
  waiting.abort()
  if (settled && !running.hasExited()) print(stepLine(program, 'again', startedAt))
}

function when({ delayMs }: Streak): string {
  return delayMs === 0 ? 'now' : `in ${delayMs / 1_000} s`
}
