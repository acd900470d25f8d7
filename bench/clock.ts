/** Milliseconds since the epoch, finer than `Date.now()`, by the one clock of a process. */
export const now = (): number => performance.timeOrigin + performance.now()

export async function sleepUntil(at: number): Promise<void> {
  const ms = at - now()
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}
