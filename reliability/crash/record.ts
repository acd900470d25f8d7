import assert from 'node:assert/strict'
import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import type { Cell, CellRunner } from './cells.ts'
import { faultPointsIn } from './fault-point-list.ts'
import type { Note, Step } from './fault-points.ts'
import { missingInjections } from './inject.ts'
import { isOfRetention } from './retention-fault-points.ts'
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
export const failing = (point: string): Step => ({ point, when: 'after', action: 'throw' })

/**
 * What goes wrong in the instances of a recording, one after another. Without an error somewhere
 * nobody rolls back; and of what a consumer takes over from a dead one, each attempt is counted.
 */
function spoiling(process: ProcessName): Step[][] {
  if (process.endsWith('-api')) return [[]]
  if (process.endsWith('-relay')) return [[failing('claimEvents')]]
  const dying: Step = { point: 'insertIntoInbox', when: 'after', action: 'exit' }
  return [[failing('insertIntoInbox'), dying], [failing('deleteAttempts')]]
}

/**
 * Runs the whole system with a few faults, injects what is rare, and returns every fault point that
 * it came to, as the cells of the matrix. Throws when it found so few that something is not
 * listened to.
 */
export async function recordFaultPoints(
  system: System,
  runner: CellRunner,
  isExhaustive = false,
): Promise<Cell[]> {
  for (const name of processNames) runner.startInstance(name, spoiling(name)[0] ?? [])
  system.load.start()
  await Promise.all(processNames.map((name) => liveOn(runner, name)))
  await eventually(() => system.load.unreceived < system.load.orderIds.length - 20, {
    timeoutMs: 240_000,
  })
  await Promise.all(processNames.map((name) => injectAll(system, runner, name)))
  await untilNothingNew(runner)
  assertEnough(runner.notes())
  const found = faultPointsIn(notesOf(runner), { isExhaustive })
  return found.map((crash) => [crash])
}

/** Without what a process does by the clock alone. */
const notesOf = (runner: CellRunner) =>
  new Map([...runner.notes()].map(([name, notes]) => [name, notes.filter(isNotOfRetention)]))

const isNotOfRetention = (note: Note) => !isOfRetention(note)

/** The instances after the first, each when the one before has come to its planned end. */
async function liveOn(runner: CellRunner, name: ProcessName): Promise<void> {
  for (const steps of spoiling(name).slice(1)) {
    await eventually(() => runner.instances.get(name)?.end(), { timeoutMs: 60_000 })
    runner.startInstance(name, steps)
  }
}

/** Brings about whatever is rare, until it has led to each fault point that it is for. */
async function injectAll(system: System, runner: CellRunner, name: ProcessName): Promise<void> {
  const missing = async () => {
    const injections = missingInjections(name, bothSides(runner.notes(), name))
    for (const { inject } of injections) await inject(system, name).catch(() => {})
    return injections.flatMap(({ points }) => points)
  }
  await eventuallyPasses(
    async () => assert.deepEqual(await missing(), [], `${name} did not come to these`),
    { timeoutMs: 60_000, everyMs: 500 },
  )
}

async function untilNothingNew(runner: CellRunner): Promise<void> {
  const count = () => faultPointsIn(notesOf(runner)).length
  let last = -1
  const isQuiet = () => {
    const before = last
    last = count()
    return last === before
  }
  await eventually(isQuiet, { timeoutMs: 60_000, everyMs: 1_500 })
}

/** The names of the fault points that a process has come to and has got over. */
export function bothSides(notes: Map<ProcessName, Note[]>, name: ProcessName): string[] {
  const met = (notes.get(name) ?? []).filter((note) => 'met' in note)
  const begun = new Set(met.flatMap((note) => (note.when === 'before' ? note.met : [])))
  return met.flatMap((note) => (note.when === 'after' && begun.has(note.met) ? note.met : []))
}

function assertEnough(notes: Map<ProcessName, Note[]>): void {
  for (const name of processNames) {
    const points = new Set(bothSides(notes, name))
    if (points.size < fewest[name]) {
      throw new Error(`Only ${points.size} fault points of ${name}: ${[...points].join('; ')}`)
    }
  }
}
