import { type ProcessName, processNames } from '#local/ports.ts'
import { eventually } from '#testing/eventually.ts'
import type { Cell, CellRunner, Crash } from './cells.ts'
import { allProvocations } from './provoke.ts'
import type { Note, Step } from './seams.ts'
import type { System } from './system.ts'

/** What a recording must find at least: fewer, and a driver is not listened to any more. */
const fewest: Record<ProcessName, number> = {
  'orders-api': 25,
  'orders-relay': 18,
  'orders-consumer': 22,
  'payments-api': 15,
  'payments-relay': 18,
  'payments-consumer': 22,
}

/** Without an error somewhere nobody rolls back: one in the first life of each. */
const spoiling = (process: ProcessName): Step[] => {
  if (process.endsWith('-relay')) return [{ seam: 'claim outbox', when: 'after', action: 'throw' }]
  if (process.endsWith('-api')) return []
  return [{ seam: 'insert inbox', when: 'after', action: 'throw' }]
}

/**
 * Runs the whole system without a crash, provokes what is rare, and returns every seam that it came
 * to, as the cells of the matrix. Throws when it found so few that something must be deaf.
 */
export async function recordSeams(
  system: System,
  runner: CellRunner,
  isExhaustive = false,
): Promise<Cell[]> {
  for (const name of processNames) runner.startLife(name, spoiling(name))
  system.load.start()
  await eventually(() => system.load.untold < system.load.orderIds.length - 20, {
    timeoutMs: 240_000,
  })
  for (let round = 0; round < 2; round++) {
    for (const name of processNames) {
      for (const bring of allProvocations(name)) await bring(system, name).catch(() => {})
    }
  }
  const count = () => seamsIn(runner.notes()).length
  let last = count()
  await eventually(
    () => {
      const now = count()
      const isQuiet = now === last
      last = now
      return isQuiet
    },
    { timeoutMs: 60_000, everyMs: 1_500 },
  )
  assertEnough(runner.notes())
  const found = seamsIn(runner.notes(), { isExhaustive })
  return found.map((crash) => [crash])
}

/**
 * Each seam of each process, before and after, once, in the order in which they were met. Where one
 * call follows another at once, after the one is before the other: unless `isExhaustive`, one crash
 * stands for both.
 */
export function seamsIn(notes: Map<ProcessName, Note[]>, { isExhaustive = false } = {}): Crash[] {
  return [...notes].flatMap(([process, list]) => {
    const crashes = new Map<string, Crash>()
    for (const note of list) {
      if (!('met' in note)) continue
      const { met: seam, when, since = '' } = note
      const name = `${when} ${seam}`
      if (crashes.has(name)) continue
      const former = since.startsWith('after ') ? crashes.get(since) : undefined
      const stands = !isExhaustive && when === 'before' && former && !former.asBefore
      if (stands) former.asBefore = seam
      crashes.set(name, stands ? former : { process, seam, when, action: 'exit' })
    }
    return [...new Set(crashes.values())]
  })
}

/** Two statements behind one name would be one seam for two: then the naming must be made finer. */
export function sharedNames(notes: Map<ProcessName, Note[]>): string[] {
  return [...notes].flatMap(([process, list]) => {
    const texts = new Map<string, Set<string>>()
    for (const note of list) {
      if (!('met' in note) || note.text === undefined) continue
      texts.set(note.met, (texts.get(note.met) ?? new Set()).add(note.text))
    }
    return [...texts].flatMap(([name, found]) =>
      found.size > 1 ? [`${process}: "${name}" is ${[...found].join(' | ')}`] : [],
    )
  })
}

function assertEnough(notes: Map<ProcessName, Note[]>): void {
  for (const name of processNames) {
    const seams = new Set(
      seamsIn(new Map([[name, notes.get(name) ?? []]]), { isExhaustive: true }).map(
        ({ seam }) => seam,
      ),
    )
    if (seams.size < fewest[name]) {
      throw new Error(`Only ${seams.size} seams of ${name}: ${[...seams].join('; ')}`)
    }
  }
}
