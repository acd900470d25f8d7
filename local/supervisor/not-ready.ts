import { answerOf } from './probe.ts'
import type { Program, Running } from './program.ts'
import { pause } from './waiting.ts'

/** The first report of a start that takes long, and the interval of the next ones. */
const firstReportMs = 5_000
const nextReportMs = 30_000

/**
 * Reports what a start waits for, when it takes long, again and again until the signal is aborted.
 */
export async function reportWhileWaiting(
  report: (reason: string) => void,
  reason: () => string | Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  for (let ms = firstReportMs; !signal.aborted; ms = nextReportMs) {
    await pause(ms, signal)
    const text = signal.aborted ? '' : await reason()
    if (!signal.aborted) report(text)
  }
}

/**
 * The failing checks of a program that is not ready, and the last warning of its log; without
 * either, where its log is.
 */
export async function whyNotReady(program: Program, running: Running): Promise<string> {
  const answer = program.readyUrl === undefined ? '' : await answerOf(program.readyUrl)
  const parts = [failingChecksIn(answer), lastWarningIn(running.logTail())].filter(Boolean)
  return parts.length > 0 ? parts.join('; ') : `its answer; its log is ${program.logFile}`
}

/** The failing checks of a body of `/readyz`: `broker, queue`. */
export function failingChecksIn(body: string): string {
  const { failing = [] } = parsed(body) as { failing?: unknown[] }
  return failing.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')
}

/** The last line of a log that is a warning or an error, as text. */
export function lastWarningIn(log: string): string {
  const lines = log.split('\n').map((line) => parsed(line) as LogLine)
  const last = lines.findLast(({ level = '' }) => ['warn', 'error', 'fatal'].includes(level))
  return [last?.msg, last?.err?.message].filter(Boolean).join(': ')
}

interface LogLine {
  level?: string
  msg?: string
  err?: { message?: string }
}

/** The object of a JSON text; an empty object if there is none. */
function parsed(text: string): object {
  try {
    return Object(JSON.parse(text)) as object
  } catch {
    return {}
  }
}
