import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

/** After 5 s of life, backoff restarts at its minimum. */
const stableMs = 5_000

/** What a connection reports. */
export interface ConnectionEvents {
  /** It is open. */
  onUp: () => void
  /** It did its work once: however soon it ends, backoff restarts at its minimum. */
  onSuccess: () => void
}

/**
 * Keeps one connection after another until told to stop, with backoff between them.
 * `connectAndWait` lasts from connecting to the end of the connection. Never rejects.
 */
export async function reconnect(
  connectAndWait: (events: ConnectionEvents) => Promise<void>,
  { signal, outage }: { signal: AbortSignal; outage: Outage },
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let upAtMs: number | undefined
    const events = {
      onUp: () => {
        upAtMs = performance.now()
        outage.over()
      },
      onSuccess: () => {
        failures = 0
      },
    }
    try {
      await connectAndWait(events)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
    }
    if (upAtMs !== undefined && performance.now() - upAtMs > stableMs) failures = 0
    await pause(backoffMs(failures++), signal)
  }
}
