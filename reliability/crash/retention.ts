import type { ProcessName } from '#local/stack/ports.ts'
import { processNames } from '#local/stack/ports.ts'
import { eventually } from '#testing/eventually.ts'
import { AgedRows } from './aged-rows.ts'
import type { Cell, CellRunner } from './cells.ts'
import { faultPointsIn } from './fault-point-list.ts'
import { bothSides, failing } from './record.ts'
import { isOfRetention } from './retention-fault-points.ts'
import { type CrashOptions, type CrashRun, runCrashes } from './run.ts'
import type { System } from './system.ts'

/** Sooner than a process starts, so that each instance has rows to delete. */
const restless = { RETENTION_IDLE_MS: '100' }

const cleaners: ProcessName[] = ['orders-consumer', 'payments-consumer']

/** What a recording must find at least, of each of them. */
const fewest = 7

/**
 * A run in which rows expire all the time, and only the consumers are killed, at what they do to
 * delete them. Each row that had expired is deleted and counted once, or is there; each other row
 * is there.
 */
export async function runRetentionCrashes(options: Omit<CrashOptions, 'cells'>): Promise<CrashRun> {
  const rows = new AgedRows()
  try {
    return await runCrashes({
      ...options,
      env: { ...restless, ...options.env },
      record: (system, runner, isExhaustive) => recordRetention(system, runner, rows, isExhaustive),
      cells: (recorded) => recorded,
      finish: (system) => rows.untilSomeAreDeleted(system),
      conclude: (system) => rows.faults(system),
    })
  } finally {
    await rows.stop().catch(() => {}) // the databases of a run that failed are closed
  }
}

/** One turn fails, so that it is rolled back. */
async function recordRetention(
  system: System,
  runner: CellRunner,
  rows: AgedRows,
  isExhaustive = false,
): Promise<Cell[]> {
  rows.start(system)
  for (const name of processNames) {
    const isCleaner = cleaners.includes(name)
    runner.startInstance(name, isCleaner ? [failing('saveProgress')] : [])
  }
  system.load.start()
  const notes = () =>
    new Map(cleaners.map((name) => [name, (runner.notes().get(name) ?? []).filter(isOfRetention)]))
  const isFound = () => cleaners.every((name) => new Set(bothSides(notes(), name)).size >= fewest)
  await eventually(isFound).catch(() => {
    const found = cleaners.map(
      (name) => `${name}: ${[...new Set(bothSides(notes(), name))].join('; ')}`,
    )
    throw new Error(`Of retention only ${found.join(', and ')}`)
  })
  return faultPointsIn(notes(), { isExhaustive }).map((crash) => [crash])
}
