/** How long something took, short enough for a label. @param {number} ms */
export function duration(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${(ms / 60_000).toFixed(1)} min`
}

/** A time of today, as it is written where the reader lives. @param {string} at */
export const clockTime = (at) => new Date(at).toLocaleTimeString()

/** Resolves later, or as soon as the signal is aborted. @param {number} ms @param {AbortSignal} [signal] */
export const pause = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve(undefined)
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
  })
