import { backoffMs } from '../backoff.ts'
import { classify } from '../errors.ts'
import type { Outage } from '../outage.ts'
import { pause } from '../pause.ts'

/**
 * Repeats the work until the database can do it, reports the outage, and returns the result;
 * undefined when told to stop before. Rejects with a `fault`, which no repetition repairs.
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
      if (classify(error) === 'fault') throw error
      outage.failed(error)
      await pause(backoffMs(failures), signal)
    }
  }
  return undefined
}
