const retryMs = 2_000
/** Between two readings, when the news do not end. */
const gapMs = 250

/**
 * Makes a reading that may be asked for at any time: asked for while it is under way, it runs once more
 * afterwards; failed, it is tried again until it succeeds.
 * @param {() => Promise<void>} read
 * @param {{ onDone: () => void, onFailed: (error: unknown) => void }} listener
 */
export function createCatchUp(read, { onDone, onFailed }) {
  let isReading = false
  let isStale = false
  /** @type {(value?: unknown) => void} */
  let hurry = () => {}

  async function readUntilFresh() {
    isReading = true
    while (isStale) {
      isStale = false
      try {
        await read()
        onDone()
        await new Promise((resolve) => setTimeout(resolve, gapMs))
      } catch (error) {
        isStale = true
        onFailed(error)
        await new Promise((resolve) => {
          hurry = resolve
          setTimeout(resolve, retryMs)
        })
      }
    }
    isReading = false
  }

  return function catchUp() {
    isStale = true
    if (isReading) hurry()
    else void readUntilFresh()
  }
}
