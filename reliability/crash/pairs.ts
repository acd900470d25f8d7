import { createHash } from 'node:crypto'
import { type Cell, nameCrash } from './cells.ts'
import { type CrashRun, runCrashes } from './run.ts'

/**
 * Every pair of crashes: of one process, in two instances one after the other, in both orders; of
 * two processes, both at once, which has no order.
 */
export function pairsOf(cells: readonly Cell[]): Cell[] {
  const crashes = cells.flat().toSorted((a, b) => (nameCrash(a) < nameCrash(b) ? -1 : 1))
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
    return sampled(pairs, seed)
  }
  const signal = AbortSignal.timeout(minutes * 60_000)
  const run: CrashRun = await runCrashes({ ...options, cells, signal })
  return { possible, run }
}

/**
 * In an order that the seed and the names decide, whatever else was recorded: as many of them as
 * there is time for are a fair sample, and mostly the same one again.
 */
function sampled(cells: readonly Cell[], seed: number): Cell[] {
  const lot = (cell: Cell) =>
    createHash('sha256')
      .update(JSON.stringify([seed, cell.map(nameCrash)]))
      .digest('hex')
  const lots = new Map(cells.map((cell) => [cell, lot(cell)]))
  return cells.toSorted((one, other) => ((lots.get(one) ?? '') < (lots.get(other) ?? '') ? -1 : 1))
}
