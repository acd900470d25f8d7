import { pause } from './time.ts'

const retryMs = 2_000
/** Between two readings, when the news do not end. */
const gapMs = 250

/** What a reading comes to. */
export interface RefreshListener {
  onDone: () => void
  onFailed: (error: unknown) => void
}

/**
 * Makes a reading that may be asked for at any time: asked for while it is under way, it runs once
 * more afterwards; failed, it is tried again until it succeeds, or the signal is aborted.
 */
export function createRefresh(
  read: () => Promise<void>,
  { onDone, onFailed }: RefreshListener,
  signal: AbortSignal,
): () => void {
  let isReading = false
  let isStale = false
  let hurrying = new AbortController()

  async function attempt() {
    isStale = false
    try {
      await read()
      if (signal.aborted) return
      onDone()
      await pause(gapMs, signal)
    } catch (error) {
      if (signal.aborted) return
      isStale = true
      hurrying = new AbortController()
      onFailed(error)
      await pause(retryMs, AbortSignal.any([signal, hurrying.signal]))
    }
  }

  async function readUntilFresh() {
    isReading = true
    while (isStale && !signal.aborted) await attempt()
    isReading = false
  }

  return function refresh() {
    isStale = true
    if (isReading) hurrying.abort()
    else void readUntilFresh()
  }
}
