import { backoffMs } from '../backoff.ts'
import { classify } from '../errors.ts'
import type { Outage } from '../outage.ts'
import { pause } from '../pause.ts'

/**
 * The result of `work`, which is retried while the database is unavailable; the outage is logged.
 * Undefined when the signal is aborted first. Rejects with an error that no retry repairs.
 */
export async function untilAvailable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  outage: Outage,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const result = await work()
      outage.over()
      return result
    } catch (error) {
      if (signal.aborted) return undefined
      if (classify(error) === 'item') throw error
      outage.failed(error)
      await pause(backoffMs(failures), signal)
    }
  }
  return undefined
}
