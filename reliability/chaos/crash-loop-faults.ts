import { distributionOf } from './recovery.ts'
import type { OrderTimes } from './rows.ts'

/** What a message that crashes its consumer has done, in milliseconds since the epoch. */
export interface CrashLoop {
  wokenAtMs: number
  /** Whether all orders were final a minute after it was dead-lettered. */
  isOver: boolean
  crashes: number[]
  /**
   * What is said of the message in its dead letter, and when that was seen; undefined if it never
   * was.
   */
  letter: { reason: unknown; attempts: unknown; seenAtMs: number } | undefined
  /** How late the orders were that were on their way meanwhile. */
  lateMs: number[]
}

/** Starts that are counted, after a first crash that is not; and nobody else waits long. */
export const countedStarts = 3
export const maxCrashes = countedStarts + 1
export const maxLateMs = 2_000

/** How long each order took that was on its way in this time, from when its consumer was there. */
export const latenessOf = (lives: readonly OrderTimes[], fromMs: number, toMs: number): number[] =>
  lives
    .filter(({ created, updated }) => created <= toMs && updated >= fromMs)
    .map(({ created, updated }) => updated - Math.max(created, fromMs))

/** Broken promises, as sentences. */
export function crashLoopFaults({ isOver, crashes, letter, lateMs }: CrashLoop): string[] {
  const { maxMs, count } = distributionOf(lateMs)
  const { reason, attempts } = letter ?? {}
  return [
    ...(isOver ? [] : ['orders are pending a minute later']),
    ...(crashes.length === maxCrashes
      ? []
      : [`it crashed ${crashes.length} consumers, not ${maxCrashes}`]),
    ...(letter ? [] : ['it is no dead letter']),
    ...(letter && reason !== 'consumer-crashed' ? [`its dead letter says ${reason}`] : []),
    ...(letter && attempts !== countedStarts
      ? [`its dead letter tells of ${attempts} attempts`]
      : []),
    ...(count > 0 ? [] : ['it had no neighbours']),
    ...(maxMs > maxLateMs ? [`a neighbour was ${maxMs.toFixed(0)} ms late`] : []),
  ]
}

/** For the terminal: what happened how long after the consumer woke up. */
export function sayCrashLoop({ wokenAtMs, crashes, letter, lateMs }: CrashLoop): string {
  const after = (atMs: number) => (atMs - wokenAtMs).toFixed(0)
  const { count, p50Ms, maxMs } = distributionOf(lateMs)
  return [
    `crashes after ${crashes.map(after).join(', ')} ms`,
    letter ? `dead letter seen after ${after(letter.seenAtMs)} ms` : 'no dead letter',
    `${count} neighbours, half of them final within ${p50Ms.toFixed(0)} ms, all within ${maxMs.toFixed(0)} ms`,
  ].join('; ')
}
