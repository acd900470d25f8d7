import { answerOf } from '../supervisor/probe.ts'
import type { Program, Running } from '../supervisor/program.ts'
import { pause } from '../supervisor/waiting.ts'

/** A start that takes longer is worth a word, and another one from time to time. */
const firstWordMs = 5_000
const nextWordMs = 30_000

/** Says what a start waits for, once it takes long, and again and again until the signal. */
export async function sayWhileWaiting(
  say: (what: string) => void,
  what: () => string | Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  for (let ms = firstWordMs; !signal.aborted; ms = nextWordMs) {
    await pause(ms, signal)
    const words = signal.aborted ? '' : await what()
    if (!signal.aborted) say(words)
  }
}

/** What a program that is not ready says itself: the checks that fail, and its last warning. */
export async function whyNotReady(program: Program, running: Running): Promise<string> {
  const answer = program.readyUrl === undefined ? '' : await answerOf(program.readyUrl)
  const parts = [failingIn(answer), lastWarningIn(running.logTail())].filter((part) => part !== '')
  return parts.length > 0 ? parts.join('; ') : `see ${program.logFile}`
}

/** `broker, queue`, of the body that `/readyz` answers. */
export function failingIn(body: string): string {
  const { failing = [] } = parsed(body) as { failing?: unknown[] }
  return failing.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')
}

/** The last line of a log that is no mere information, as a sentence. */
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

/** An empty object for what is none. */
function parsed(text: string): object {
  try {
    return Object(JSON.parse(text)) as object
  } catch {
    return {}
  }
}
