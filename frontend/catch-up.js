const pauseMs = 2_000

/**
 * Makes a reading that may be asked for at any time: asked for while it is under way, it runs once more
 * afterwards; failed, it is tried again until it succeeds.
 * @param {() => Promise<void>} read
 * @param {{ onDone: () => void, onFailed: () => void }} listener
 */
export function createCatchUp(read, { onDone, onFailed }) {
  let isReading = false
  let isStale = false

  async function readUntilFresh() {
    isReading = true
    while (isStale) {
      isStale = false
      try {
        await read()
        onDone()
      } catch {
        isStale = true
        onFailed()
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    isReading = false
  }

  return function catchUp() {
    isStale = true
    if (!isReading) void readUntilFresh()
  }
}
