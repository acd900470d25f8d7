import { backoffMs } from '../backoff.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'

/**
 * Lives one connection after another until told to stop, with capped and jittered pauses between.
 * `live` lasts from connecting to the end of the connection and calls `onUp` once it is usable: then
 * the pauses begin short again. Of a row of failures only the first is logged. Never rejects.
 */
export async function reconnect(
  live: (onUp: () => void) => Promise<void>,
  { signal, logger, failure }: { signal: AbortSignal; logger: Logger; failure: string },
): Promise<void> {
  let failures = 0
  const onUp = () => {
    failures = 0
  }
  while (!signal.aborted) {
    try {
      await live(onUp)
    } catch (error) {
      if (failures === 0 && !signal.aborted) logger.warn({ err: error }, failure)
    }
    await pause(backoffMs(failures++), signal)
  }
}
