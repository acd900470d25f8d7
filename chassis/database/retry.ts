import { backoffMs } from '../backoff.ts'
import { isCode } from '../errors.ts'
import { pause } from '../pause.ts'

/**
 * The result of the work, which is done again as long as the database is away; undefined when the signal
 * came first. `onFailure` hears of the first failure.
 */
export async function untilAvailable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void = () => {},
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) return undefined
      if (!isCode(error, 'unavailable') && !isCode(error, 'timeout')) throw error
      if (failures === 0) onFailure(error)
      await pause(backoffMs(failures), signal)
    }
  }
  return undefined
}
