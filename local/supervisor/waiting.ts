import { setTimeout as sleep } from 'node:timers/promises'

export type Condition = () => boolean | Promise<boolean>

export type WaitOptions = { timeoutMs: number; everyMs?: number; signal?: AbortSignal }

/** Waits until the condition holds; false when time is up or the signal was aborted first. */
export async function until(
  condition: Condition,
  { timeoutMs, everyMs = 50, signal }: WaitOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!signal?.aborted) {
    if (await condition()) return true
    if (performance.now() >= deadline) return false
    await pause(everyMs, signal)
  }
  return false
}

/** Resolves after the time, or as soon as the signal is aborted; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch(() => undefined)
}

/** `0.9 s`, for the terminal. */
export function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
}
