/** Runs some work when it is its turn. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** So many run at a time; the others wait in their order. */
export function inTurns(atATime: number): InTurn {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running === atATime) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
