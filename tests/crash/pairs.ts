import type { Cell } from './cells.ts'
import { type CrashRun, runCrashes } from './run.ts'

/**
 * Every pair of crashes: of one process, in two lives one after the other, in both orders; of two
 * processes, both at once, which has no order.
 */
export function pairsOf(cells: readonly Cell[]): Cell[] {
  const crashes = cells.flat()
  return crashes.flatMap((first, index) =>
    crashes.flatMap((second, other): Cell[] => {
      const isSame = first.process === second.process
      return isSame || index < other ? [[first, second]] : []
    }),
  )
}

export interface PairOptions {
  seed: number
  minutes: number
  env?: NodeJS.ProcessEnv
  progress?: (line: string) => void
}

/** Pairs in the order of the seed, as many as there is time for, on one system. */
export async function runPairs({ seed, minutes, ...options }: PairOptions) {
  let possible = 0
  const cells = (recorded: Cell[]) => {
    const pairs = pairsOf(recorded)
    possible = pairs.length
    return shuffled(pairs, seed)
  }
  const signal = AbortSignal.timeout(minutes * 60_000)
  const run: CrashRun = await runCrashes({ ...options, cells, signal })
  return { possible, run }
}

/** In an order that the seed decides: as many of them as there is time for are a fair sample. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomNumbers(seed)
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T]
  }
  return mixed
}

/** From 0 to 1. Source: mulberry32 by Tommy Ettinger, in the public domain. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
