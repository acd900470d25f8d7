import { reportWhileWaiting, whyNotReady } from './not-ready.ts'
import { type Program, type Running, startProgram } from './program.ts'
import { until } from './waiting.ts'

const readyTimeoutMs = 180_000

/**
 * Starts a program and waits until it is ready; throws with the last lines of its log. `report` is
 * called with what the start waits for, when it takes long.
 */
export async function startReady(
  program: Program,
  { signal, report }: { signal?: AbortSignal; report?: (reason: string) => void } = {},
): Promise<Running> {
  const running = await startProgram(program)
  const ended = new AbortController()
  if (report) void reportWhileWaiting(report, () => whyNotReady(program, running), ended.signal)
  try {
    await waitUntilReady(program, running, signal)
  } finally {
    ended.abort()
  }
  return running
}

/**
 * Throws, and leaves nothing running, when the program ends or is not ready after three minutes.
 */
async function waitUntilReady(
  program: Program,
  running: Running,
  signal?: AbortSignal,
): Promise<void> {
  let isReady = false
  const isDecided = async () => {
    isReady = !running.hasExited() && (await program.isReady(running.pid))
    return isReady || running.hasExited()
  }
  await until(isDecided, { timeoutMs: readyTimeoutMs, ...(signal && { signal }) })
  if (isReady) return
  const problem = running.hasExited() ? await earlyExit(running) : 'was not ready after 180 s'
  await running.stop()
  throw new Error(
    `${program.name} ${problem}. The end of ${program.logFile}:\n${running.logTail()}`,
  )
}

async function earlyExit(running: Running): Promise<string> {
  return `ended during its start (${describeExit(await running.exited)})`
}

/** `SIGKILL`, or `exit code 1`. */
export function describeExit(exit: { code: number | null; signal: string | null }): string {
  return exit.signal ?? `exit code ${exit.code}`
}
