import { setTimeout as delay } from 'node:timers/promises'

/** Waits, but never longer than until the signal is aborted. Does not reject. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await delay(ms, undefined, { signal }).catch(() => {})
}
