import { sayWhileWaiting, whyNotReady } from '../stack/not-ready.ts'
import { type Program, type Running, startProgram } from '../supervisor/program.ts'
import { until } from '../supervisor/waiting.ts'

/** A server without a supervisor: when it dies, it stays dead until `restart`. */
export type Server = {
  /** Of its main program: changes with every restart. */
  readonly pid: number
  stop(): Promise<void>
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>
  restart(): Promise<void>
}

const readyTimeoutMs = 180_000

/** Starts the programs one after the other; the last one is the server, the others serve it. */
export async function startServer(programs: Program[]): Promise<Server> {
  const all: Running[] = []
  try {
    for (const program of programs) all.push(await startReady(program))
  } catch (error) {
    await stopAll(all)
    throw error
  }
  const main = programs.at(-1) as Program
  return {
    get pid() {
      return (all.at(-1) as Running).pid
    },
    stop: () => stopAll(all),
    kill: async () => all.at(-1)?.kill(),
    restart: async () => {
      await all.pop()?.stop()
      all.push(await startReady(main))
    },
  }
}

/**
 * Starts a program and waits until it is ready; throws with the last lines of its log. `say` hears what it
 * waits for, once that takes long.
 */
export async function startReady(
  program: Program,
  { signal, say }: { signal?: AbortSignal; say?: (what: string) => void } = {},
): Promise<Running> {
  const running = await startProgram(program)
  const settled = new AbortController()
  if (say) void sayWhileWaiting(say, () => whyNotReady(program, running), settled.signal)
  try {
    await waitUntilReady(program, running, signal)
  } finally {
    settled.abort()
  }
  return running
}

/** Throws, and leaves nothing running, when the program ends or is not ready in three minutes. */
async function waitUntilReady(
  program: Program,
  running: Running,
  signal?: AbortSignal,
): Promise<void> {
  let isReady = false
  const settled = async () => {
    isReady = !running.hasExited() && (await program.isReady(running.pid))
    return isReady || running.hasExited()
  }
  await until(settled, { timeoutMs: readyTimeoutMs, ...(signal && { signal }) })
  if (isReady) return
  const because = running.hasExited() ? await ending(running) : 'did not become ready in 180 s'
  await running.stop()
  throw new Error(
    `${program.name} ${because}; the end of ${program.logFile}:\n${running.logTail()}`,
  )
}

async function ending(running: Running): Promise<string> {
  return `ended during its start (${describeExit(await running.exited)})`
}

/** `SIGKILL`, or `exit code 1`. */
export function describeExit(exit: { code: number | null; signal: string | null }): string {
  return exit.signal ?? `exit code ${exit.code}`
}

async function stopAll(all: Running[]): Promise<void> {
  for (const running of all.toReversed()) await running.stop()
}
