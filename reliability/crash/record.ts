import assert from 'node:assert/strict'
import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import type { Cell, CellRunner } from './cells.ts'
import { missingProvocations } from './provoke.ts'
import { seamsIn } from './seam-list.ts'
import type { Note, Step } from './seams.ts'
import { isOfRetention } from './seams-of-retention.ts'
import type { System } from './system.ts'

/** What a recording must find at least: fewer, and a driver is not listened to any more. */
const fewest: Record<ProcessName, number> = {
  'orders-api': 28,
  'orders-relay': 22,
  'orders-consumer': 37,
  'payments-api': 22,
  'payments-relay': 24,
  'payments-consumer': 38,
}

/** In place of the answer; of a statement, the server seems to have said it. */
export const failing = (seam: string): Step => ({ seam, when: 'after', action: 'throw' })

/**
 * What goes wrong in the lives of a recording, one after another. Without an error somewhere nobody
 * rolls back; and of what a consumer takes over from a dead one, each attempt is counted.
 */
function spoiling(process: ProcessName): Step[][] {
  if (process.endsWith('-api')) return [[]]
  if (process.endsWith('-relay')) return [[failing('claim outbox')]]
  const dying: Step = { seam: 'insert inbox', when: 'after', action: 'exit' }
  return [[failing('insert inbox'), dying], [failing('delete attempts')]]
}

/**
 * Runs the whole system with a few faults, provokes what is rare, and returns every seam that it
 * came to, as the cells of the matrix. Throws when it found so few that something must be deaf.
 */
export async function recordSeams(
  system: System,
  runner: CellRunner,
  isExhaustive = false,
): Promise<Cell[]> {
  for (const name of processNames) runner.startLife(name, spoiling(name)[0] ?? [])
  system.load.start()
  await Promise.all(processNames.map((name) => liveOn(runner, name)))
  await eventually(() => system.load.untold < system.load.orderIds.length - 20, {
    timeoutMs: 240_000,
  })
  await Promise.all(processNames.map((name) => provokeAll(system, runner, name)))
  await untilNothingNew(runner)
  assertEnough(runner.notes())
  const found = seamsIn(notesOf(runner), { isExhaustive })
  return found.map((crash) => [crash])
}

/** Without what a process does by the clock alone. */
const notesOf = (runner: CellRunner) =>
  new Map([...runner.notes()].map(([name, notes]) => [name, notes.filter(isNotOfRetention)]))

const isNotOfRetention = (note: Note) => !isOfRetention(note)

/** The lives after the first, each when the one before has come to its planned end. */
async function liveOn(runner: CellRunner, name: ProcessName): Promise<void> {
  for (const steps of spoiling(name).slice(1)) {
    await eventually(() => runner.lives.get(name)?.end(), { timeoutMs: 60_000 })
    runner.startLife(name, steps)
  }
}

/** Brings about whatever is rare, until it has led to each seam that it is for. */
async function provokeAll(system: System, runner: CellRunner, name: ProcessName): Promise<void> {
  const missing = async () => {
    const provocations = missingProvocations(name, bothSides(runner.notes(), name))
    for (const { bring } of provocations) await bring(system, name).catch(() => {})
    return provocations.flatMap(({ seams }) => seams)
  }
  await eventuallyPasses(
    async () => assert.deepEqual(await missing(), [], `${name} did not come to these`),
    { timeoutMs: 60_000, everyMs: 500 },
  )
}

async function untilNothingNew(runner: CellRunner): Promise<void> {
  const count = () => seamsIn(notesOf(runner)).length
  let last = -1
  const isQuiet = () => {
    const before = last
    last = count()
    return last === before
  }
  await eventually(isQuiet, { timeoutMs: 60_000, everyMs: 1_500 })
}

/** The names of the seams that a process has come to and has got over. */
export function bothSides(notes: Map<ProcessName, Note[]>, name: ProcessName): string[] {
  const met = (notes.get(name) ?? []).filter((note) => 'met' in note)
  const begun = new Set(met.flatMap((note) => (note.when === 'before' ? note.met : [])))
  return met.flatMap((note) => (note.when === 'after' && begun.has(note.met) ? note.met : []))
}

function assertEnough(notes: Map<ProcessName, Note[]>): void {
  for (const name of processNames) {
    const seams = new Set(bothSides(notes, name))
    if (seams.size < fewest[name]) {
      throw new Error(`Only ${seams.size} seams of ${name}: ${[...seams].join('; ')}`)
    }
  }
}
