/** A second click this soon after the answer is the same wish, not another one. */
const doubleClickMs = 1000

/**
 * Gives one wish one Idempotency-Key, however often it is sent: a double click, or another try after an
 * answer was lost, has one effect. Other content, or the same a second after it succeeded, is a new wish.
 * @param {() => number} clock milliseconds
 */
export function createIntent(clock = Date.now) {
  let key = ''
  let content = ''
  let endsAt = 0

  return {
    /** @param {string} wished */
    keyFor(wished) {
      if (wished !== content || clock() > endsAt) {
        key = randomKey()
        content = wished
        endsAt = Number.POSITIVE_INFINITY
      }
      return key
    },

    succeeded() {
      endsAt = clock() + doubleClickMs
    },
  }
}

/** For one wish. `randomUUID` exists in secure contexts only, which plain http is on this machine's own name alone. */
export function randomKey() {
  if (crypto.randomUUID !== undefined) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
