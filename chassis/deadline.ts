/**
 * The result of a promise, with a time limit: rejects with a sentence after `ms`. For libraries that would wait for
 * ever for a peer that is gone. The work itself continues: a caller that needs its end keeps the promise.
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
