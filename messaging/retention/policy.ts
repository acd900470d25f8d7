/** Rows that one turn looks at, at most. */
export const fullBatch = 1_000

/**
 * How long retention rests after a turn: it works for a twentieth of the time, however fast or busy
 * the database is.
 */
export const restMs = (tookMs: number): number => Math.ceil(tookMs * 19)

/** After a turn that failed, perhaps because the batch took too long: the next one is smaller. */
export const smallerBatch = (size: number): number => Math.max(1, Math.floor(size / 2))

/** After a turn that succeeded. */
export const largerBatch = (size: number): number => Math.min(fullBatch, size * 2)

/** How long something may take until an event arrives for the last time; which variable says so. */
export interface Delay {
  variable: string
  ms: number
}

/** The longest delay between two attempts, and the longest time that an attempt itself may take. */
const attemptMs = 30_000 + 10_000

/** How long a consumer may retry an event before the event is handled or a dead letter. */
export const longestRetryMs = (maxAttempts: number): number => maxAttempts * attemptMs

/**
 * Why the inbox would forget events that may still arrive; undefined if it would not. An event may
 * be published again as long as it is in the outbox, and is retried after that.
 */
export function horizonFault(inbox: Delay, delays: readonly Delay[]): string | undefined {
  const neededMs = delays.reduce((sum, { ms }) => sum + ms, 0)
  if (inbox.ms >= neededMs) return undefined
  const lines = [
    `Cannot start:`,
    `${inbox.variable} is too short: the inbox would forget events that may still arrive. It is ${seconds(inbox.ms)}, and must be at least ${seconds(neededMs)}:`,
    ...delays.map(({ variable, ms }) => `  ${variable} makes it ${seconds(ms)}`),
  ]
  return lines.join('\n  ')
}

const seconds = (ms: number): string => `${(ms / 1_000).toLocaleString('en')} s`
