import { pause as pauseUntilAborted } from '#client/pause.ts'

/** How long something took, short enough for a label. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${(ms / 60_000).toFixed(1)} min`
}

/** A time of today, as it is written where the reader lives. */
export const clockTime = (at: string): string => new Date(at).toLocaleTimeString()

/** Resolves later, or as soon as the signal is aborted. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  pauseUntilAborted(ms, signal).catch(() => {})
