/**
 * A new Idempotency-Key. Not of `crypto.randomUUID`: that exists in secure contexts only, and a
 * page of plain http is one under the name localhost alone.
 */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
