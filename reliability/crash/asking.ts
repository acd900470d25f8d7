import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { eventually } from '#testing/eventually.ts'
import type { Cell, CellRunner } from './cells.ts'
import { loseFirstRequests } from './provocations/losses.ts'
import { bothSides, failing } from './record.ts'
import { type CrashOptions, type CrashRun, runCrashes } from './run.ts'
import { seamsIn } from './seam-list.ts'
import type { Note } from './seams.ts'
import type { System } from './system.ts'

/** Sooner than a process starts, so that each life has orders to ask for at its first look. */
const askAgainSoon = { ASK_AGAIN_AFTER_MS: '100' }

const asker: ProcessName = 'orders-consumer'

/** What it does for nothing else. What asking shares with settling is killed where nothing asks. */
const isOfAsking = (note: Note) => 'met' in note && /waiting_since|^claim |outbox/.test(note.met)

/** What a recording must find at least. */
const fewest = 7

/**
 * A run in which every order has to be asked for again, and only orders-consumer is killed, at what it
 * does to ask. An order that was not asked for again is a fault: the run would have shown nothing.
 */
export async function runAskingCrashes(options: Omit<CrashOptions, 'cells'>): Promise<CrashRun> {
  const run = await runCrashes({
    ...options,
    env: { ...askAgainSoon, ...options.env },
    record: recordAsking,
    cells: (recorded) => recorded,
  })
  const { orders, askedAgain } = run.verdict
  const count = Object.values(orders).reduce((sum, some) => sum + some, 0)
  if (askedAgain === count && count > 0) return run
  return {
    ...run,
    faults: [...run.faults, `${askedAgain} of ${count} orders were asked for again`],
  }
}

/** Every order is lost first, and one asking fails. */
async function recordAsking(
  system: System,
  runner: CellRunner,
  isExhaustive = false,
): Promise<Cell[]> {
  for (const name of processNames) {
    runner.startLife(name, name === asker ? [failing('insert outbox')] : [])
  }
  await loseFirstRequests(system)
  system.load.start()
  const notes = () => new Map([[asker, (runner.notes().get(asker) ?? []).filter(isOfAsking)]])
  const found = () => bothSides(notes(), asker)
  await eventually(() => new Set(found()).size >= fewest).catch(() => {
    throw new Error(`Of asking again only: ${found().join('; ')}`)
  })
  return seamsIn(notes(), { isExhaustive }).map((crash) => [crash])
}
