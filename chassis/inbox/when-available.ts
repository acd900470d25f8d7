import { backoffMs } from '../backoff.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'

/**
 * What the work returns, begun again until the database can do it; undefined when we were told to
 * stop while it could not. Rejects with what is no passing trouble.
 */
export async function whenAvailable<T>(
  work: () => Promise<T>,
  logger: Logger,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let outages = 0; ; outages++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (outages === 0) logger.warn({ err: error }, 'the database is away, holding messages')
      await pause(backoffMs(outages), signal)
      if (signal.aborted) return undefined
    }
  }
}
