import { cpSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Verdict } from '../judge/verdict.ts'
import { type Cell, type CellResult, CellRunner, nameCrash } from './cells.ts'
import { unnamedStatements } from './fault-point-list.ts'
import { recordFaultPoints } from './record.ts'
import { concludeSystem, openSystem, type System } from './system.ts'

export interface CrashRun {
  results: CellResult[]
  verdict: Verdict
  /**
   * Everything that went wrong: broken promises, fault points not come to, processes that died
   * unasked.
   */
  faults: string[]
  instances: number
  /** Messages that were dead-lettered as crash loops and redriven; each counts once. */
  redriven: number
  tookMs: number
}

export interface CrashOptions {
  /** Which cells, of a system that runs and of the fault points that it has come to. */
  cells: (recorded: Cell[]) => Cell[]
  /** A kill before one call and after the one before it are two, though nothing lies between. */
  isExhaustive?: boolean
  /**
   * Starts everything, and finds out which fault points there are; all of them, unless told
   * otherwise.
   */
  record?: typeof recordFaultPoints
  /** What all processes must still do, after the last cell, before they are stopped. */
  finish?: (system: System) => Promise<unknown>
  /** What else is wrong in the end, when all processes have stopped: a sentence each. */
  conclude?: (system: System) => Promise<string[]>
  boundMs?: number
  env?: NodeJS.ProcessEnv
  /** No more cells are begun then. */
  signal?: AbortSignal
  progress?: (line: string) => void
}

/**
 * A system of its own with its fault points recorded, cells done to it, and the verdict on what is
 * left when all has come to an end: for the matrix, for pairs, for mutants.
 */
export async function runCrashes(options: CrashOptions): Promise<CrashRun> {
  const startedAt = performance.now()
  const system = await openSystem(options.env)
  const runner = new CellRunner(system)
  try {
    const run = await runOn(system, runner, options, startedAt)
    if (run.faults.length > 0) keep(system)
    return run
  } catch (error) {
    keep(system)
    throw error
  } finally {
    system.load.close()
    await runner.killAll()
    await system.close()
  }
}

/** What is needed to find out stays: who asked and was told what, and what was logged. */
function keep({ dir }: System): void {
  const to = resolve('.local/crash', new Date().toISOString().replace(/[:.]/g, '-'))
  cpSync(dir, to, { recursive: true, filter: (source) => basename(source) !== 'compiled' })
  console.error(`RED: history and logs are in ${to}`)
}

async function runOn(
  system: System,
  runner: CellRunner,
  options: CrashOptions,
  startedAt: number,
): Promise<CrashRun> {
  const { cells, isExhaustive = false, record = recordFaultPoints } = options
  const { boundMs = 180_000, signal, progress = () => {}, conclude = async () => [] } = options
  const seconds = () => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
  const recorded = await record(system, runner, isExhaustive)
  const chosen = cells(recorded)
  progress(
    `${recorded.length} fault points recorded, ${chosen.length} cells to do, after ${seconds()}`,
  )
  const results = await runner.run(chosen, { boundMs, ...(signal && { signal }) })
  progress(`${results.length} cells done after ${seconds()}`)
  progress(slowest(results))
  await options.finish?.(system)
  const verdict = await concludeSystem(system, runner.instances)
  return {
    results,
    verdict,
    faults: [
      ...verdict.faults,
      ...results
        .flatMap(({ unreached }) => unreached)
        .map((crash) => `not come to: ${nameCrash(crash)}`),
      ...(await conclude(system)),
      ...runner.untimely,
      ...unnamedStatements(runner.notes()),
    ],
    instances: runner.instanceCount,
    redriven: new Set(system.history.redriven).size,
    tookMs: performance.now() - startedAt,
  }
}

/** What is waited for longest, for whoever wants it faster. */
const slowest = (results: CellResult[]): string =>
  results
    .toSorted((a, b) => b.tookMs - a.tookMs)
    .slice(0, 5)
    .map(({ cell, tookMs }) => `${cell.map(nameCrash)} ${(tookMs / 1_000).toFixed(1)} s`)
    .join('; ')
