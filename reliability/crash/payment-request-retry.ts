import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { eventually } from '#testing/eventually.ts'
import type { Cell, CellRunner } from './cells.ts'
import { faultPointsIn } from './fault-point-list.ts'
import type { Note } from './fault-points.ts'
import { loseFirstRequests } from './injections/losses.ts'
import { bothSides, failing } from './record.ts'
import { type CrashOptions, type CrashRun, runCrashes } from './run.ts'
import type { System } from './system.ts'

/** Sooner than a process starts, so that each instance has orders to retry at its first look. */
const shortTimeout = { PAYMENT_REQUEST_TIMEOUT_MS: '100' }

const retrier: ProcessName = 'orders-consumer'

/**
 * What it does for nothing else. What the retry shares with settling is killed where nothing is
 * retried.
 */
const isOfRetry = (note: Note) =>
  'met' in note && /OverdueOrders$|setRequested|insertEvents|outbox/.test(note.met)

/** What a recording must find at least. */
const fewest = 7

/**
 * A run in which every payment has to be requested again, and only orders-consumer is killed, at
 * what it does for that. A payment that was not requested again is a fault: the run would have
 * shown nothing.
 */
export async function runRetryCrashes(options: Omit<CrashOptions, 'cells'>): Promise<CrashRun> {
  const run = await runCrashes({
    ...options,
    env: { ...shortTimeout, ...options.env },
    record: recordRetry,
    cells: (recorded) => recorded,
  })
  const { orders, requestedAgain } = run.verdict
  const count = Object.values(orders).reduce((sum, some) => sum + some, 0)
  if (requestedAgain === count && count > 0) return run
  return {
    ...run,
    faults: [...run.faults, `${requestedAgain} of ${count} payments were requested again`],
  }
}

/** Every first request is lost, and one retry fails. */
async function recordRetry(
  system: System,
  runner: CellRunner,
  isExhaustive = false,
): Promise<Cell[]> {
  for (const name of processNames) {
    runner.startInstance(name, name === retrier ? [failing('insertEvents')] : [])
  }
  await loseFirstRequests(system)
  system.load.start()
  const notes = () => new Map([[retrier, (runner.notes().get(retrier) ?? []).filter(isOfRetry)]])
  const found = () => bothSides(notes(), retrier)
  await eventually(() => new Set(found()).size >= fewest).catch(() => {
    throw new Error(`Of the retry only: ${found().join('; ')}`)
  })
  return faultPointsIn(notes(), { isExhaustive }).map((crash) => [crash])
}
