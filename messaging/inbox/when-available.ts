import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

/**
 * What the work returns, begun again until the database can do it; undefined when we were told to
 * stop while it could not. For work whose every error says nothing of a message: what it holds
 * meanwhile makes the process not ready.
 */
export async function whenAvailable<T>(
  work: () => Promise<T>,
  outage: Outage,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 0; ; failures++) {
    try {
      const result = await work()
      outage.over(work)
      return result
    } catch (error) {
      outage.failed(error, work)
      await pause(backoffMs(failures), signal)
      if (signal.aborted) return undefined
    }
  }
}
