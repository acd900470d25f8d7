import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { shuffledNodes } from './address.ts'

/** After 5 s of life, backoff restarts at its minimum. */
const stableMs = 5_000

/** The node of an attempt, and what its connection reports. */
export interface Attempt {
  /** The next node: the one that was lost, or left, comes last. */
  url: string
  /** How many other nodes there are. */
  others: number
  /** It is open. */
  onUp: () => void
  /** It did its work once: however soon it ends, backoff restarts at its minimum. */
  onSuccess: () => void
}

/**
 * Keeps one connection after another until told to stop, with backoff between them, each to the
 * next node. `connectAndWait` lasts from connecting to the end of the connection. Never rejects.
 */
export async function reconnect(
  connectAndWait: (attempt: Attempt) => Promise<void>,
  { urls, signal, outage }: { urls: string; signal: AbortSignal; outage: Outage },
): Promise<void> {
  const nodes = shuffledNodes(urls)
  let failures = 0
  while (!signal.aborted) {
    let upAtMs: number | undefined
    const url = nodes.shift() as string
    nodes.push(url)
    const attempt = {
      ...{ url, others: nodes.length - 1 },
      onUp: () => {
        upAtMs = performance.now()
        outage.over()
      },
      onSuccess: () => {
        failures = 0
      },
    }
    try {
      await connectAndWait(attempt)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
    }
    if (upAtMs !== undefined && performance.now() - upAtMs > stableMs) failures = 0
    await pause(backoffMs(failures++), signal)
  }
}
