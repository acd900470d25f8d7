import { backoffMs } from '../backoff.ts'
import { classify } from '../errors.ts'
import type { Outage } from '../outage.ts'
import { pause } from '../pause.ts'

/**
 * The result of the work, which is done again as long as the database cannot do it, and that is said;
 * undefined when the signal came first. Rejects with what no repetition mends.
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
