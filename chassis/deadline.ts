/**
 * The result of a promise that must not take longer than `ms`; rejects with a sentence otherwise.
 * For answers of a peer that may be gone, in libraries that would wait for them for ever. The work
 * itself goes on: whoever cares about its end keeps the promise.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
