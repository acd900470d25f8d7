/**
 * The result of a promise; rejects when the promise takes longer than `ms`. For replies of a peer
 * that may be gone, in libraries that would wait for ever. The work itself continues: a caller that
 * needs its end keeps the promise.
 */
export async function withTimeout<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
