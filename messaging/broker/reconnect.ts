import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

/** A connection that lived so long was no part of a row of failures. */
const stableMs = 5_000

/** What a connection says of itself. */
export interface Life {
  /** It is usable. */
  onUp: () => void
  /** It was of use: however soon it ends, it was no failure. */
  onUse: () => void
}

/**
 * Lives one connection after another until told to stop, with capped and jittered pauses between.
 * `live` lasts from connecting to the end of the connection; when it was usable for a while, or of
 * use, the pauses begin short again. Never rejects.
 */
export async function reconnect(
  live: (life: Life) => Promise<void>,
  { signal, outage }: { signal: AbortSignal; outage: Outage },
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let upAtMs: number | undefined
    const life = {
      onUp: () => {
        upAtMs = performance.now()
        outage.over()
      },
      onUse: () => {
        failures = 0
      },
    }
    try {
      await live(life)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
    }
    if (upAtMs !== undefined && performance.now() - upAtMs > stableMs) failures = 0
    await pause(backoffMs(failures++), signal)
  }
}
