import { backoffMs } from '../backoff.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'

/** A connection that lived so long was no part of a row of failures. */
const stableMs = 5_000

/**
 * Lives one connection after another until told to stop, with capped and jittered pauses between.
 * `live` lasts from connecting to the end of the connection and calls `onUp` once it is usable; when
 * it was so for a while, the pauses begin short again. Of a row of failures only the first is logged. Never rejects.
 */
export async function reconnect(
  live: (onUp: () => void) => Promise<void>,
  { signal, logger, failure }: { signal: AbortSignal; logger: Logger; failure: string },
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let upAtMs: number | undefined
    const onUp = () => {
      upAtMs = performance.now()
    }
    try {
      await live(onUp)
    } catch (error) {
      if (failures === 0 && !signal.aborted) logger.warn({ err: error }, failure)
    }
    if (upAtMs !== undefined && performance.now() - upAtMs > stableMs) failures = 0
    await pause(backoffMs(failures++), signal)
  }
}
