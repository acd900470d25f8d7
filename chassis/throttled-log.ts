/**
 * A log line about something that may happen many times a second: the first time at once, then once
 * in `everyMs`, with the number of all times since the line before, and the details of the last.
 */
export function throttledLog(write: (details: object) => void, everyMs = 60_000) {
  let count = 0
  let details = {}
  let isWaiting = false
  const flush = () => {
    isWaiting = count > 0
    if (count === 0) return
    write({ ...details, count })
    count = 0
    setTimeout(flush, everyMs).unref()
  }
  return (times: number, last: object): void => {
    count += times
    details = last
    if (!isWaiting) flush()
  }
}
