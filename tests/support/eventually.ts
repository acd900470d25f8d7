import { setTimeout as delay } from 'node:timers/promises'

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

/**
 * Waits until the condition holds: until it returns something truthy, which is the result, or, when
 * it asserts, until it does not throw. Fails with its last error when the time is over.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 30_000, everyMs = 20 } = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let last: unknown
    try {
      const value = await condition()
      if (value) return value as Truthy<T>
      last = new Error(`still ${JSON.stringify(value)}: ${condition}`)
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw last
    await delay(everyMs)
  }
}

/** As `eventually`, for assertions. */
export const eventuallyPasses = (
  assertions: () => unknown,
  options?: { timeoutMs?: number; everyMs?: number },
): Promise<true> =>
  eventually(async () => {
    await assertions()
    return true as const
  }, options)
