import { processNames } from '#local/stack/ports.ts'
import { sayOrders } from '../judge/verdict.ts'
import type { CellResult } from './cells.ts'
import { fileOf } from './edit.ts'
import { editsOf } from './mutants/mutant.ts'
import type { CrashRun } from './run.ts'
import type { MutantResult } from './run-mutant.ts'

/**
 * The fault points of these runs as one Markdown table: how often each was killed before and after,
 * and what came of it.
 */
export function faultPointTable(runs: CrashRun[]): string {
  const results = runs.flatMap((run) => run.results)
  const faults = runs.flatMap((run) => run.faults)
  const instances = runs.reduce((sum, run) => sum + run.instances, 0)
  const counts = countsOf(results)
  const rows = processNames.flatMap((process) =>
    [...(counts.get(process) ?? [])].map(
      ([point, { before, after }]) => `| ${process} | ${point} | ${before} | ${after} |`,
    ),
  )
  return [
    `${rows.length} fault points, ${results.length} crashes, ${instances} processes started; orders: ${runs.map(sayRun).join('; ')}.`,
    faults.length === 0 ? 'No promise was broken.' : `${faults.length} promises were broken.`,
    sayRedriven(runs.reduce((sum, { redriven }) => sum + redriven, 0)),
    '',
    '| process | fault point | killed before | killed after |',
    '| ------- | ---- | ------------- | ------------ |',
    ...rows,
  ].join('\n')
}

const sayRun = ({ verdict: { orders, requestedAgain } }: CrashRun): string =>
  [sayOrders(orders), ...(requestedAgain > 0 ? [`requested again ${requestedAgain}`] : [])].join(
    ', ',
  )

/** How many pairs of how many, and what came of them. */
export function pairTable(seed: number, { possible, run }: { possible: number; run: CrashRun }) {
  const minutes = run.tookMs / 60_000
  const perMinute = (run.results.length / minutes).toFixed(1)
  return [
    `Seed ${seed}: ${run.results.length} of ${possible} pairs in ${minutes.toFixed(1)} min`,
    `(${perMinute} a minute), ${run.instances} processes started; orders: ${sayRun(run)}.`,
    sayRedriven(run.redriven),
  ].join('\n')
}

/**
 * Innocent messages, which a real system would keep as dead letters until somebody redrives them.
 */
export function sayRedriven(count: number): string {
  if (count === 0) return 'No message was dead-lettered as a crash loop.'
  return count === 1
    ? '1 message was dead-lettered as a crash loop, since its consumer was killed while it handled the message, and was redriven.'
    : `${count} messages were dead-lettered as crash loops, since their consumer was killed while it handled them, and were redriven.`
}

type Counts = Map<string, { before: number | string; after: number | string }>

/**
 * `with` is a fault point that nothing separates from the end of the one before it: one kill is
 * both.
 */
function countsOf(results: CellResult[]): Map<string, Counts> {
  const processes = new Map<string, Counts>()
  const rowOf = (process: string, point: string) => {
    const points = processes.get(process) ?? new Map()
    processes.set(process, points)
    const row = points.get(point) ?? { before: 0, after: 0 }
    points.set(point, row)
    return row
  }
  for (const { cell, unreached } of results) {
    for (const crash of cell) {
      if (unreached.includes(crash)) continue
      const { process, point, when, asBefore } = crash
      const row = rowOf(process, point)
      row[when]++
      if (asBefore !== undefined) rowOf(process, asBefore).before = `with: after ${point}`
    }
  }
  return processes
}

/** The mutants as a Markdown table: what was switched off, and what gave it away. */
export const mutantTable = (results: MutantResult[]): string =>
  [
    `${results.filter(({ givenAwayBy }) => givenAwayBy).length} of ${results.length} caught.`,
    '',
    '| switched off | in | why it is there | caught by | given away by |',
    '| ------------ | -- | --------------- | --------- | ------------- |',
    ...results.map(({ mutant, givenAwayBy = '**survived**' }) => {
      const { name, why, caughtBy } = mutant
      const files = [...new Set(editsOf(mutant).map(fileOf))]
      const by = 'scenario' in caughtBy ? caughtBy.scenario : `${caughtBy.test}: ${caughtBy.titled}`
      return `| ${[name, files.join(', '), why, by, givenAwayBy].map(cellOf).join(' | ')} |`
    }),
  ].join('\n')

/** Ids differ from run to run, and a bar would end the cell. */
const cellOf = (text: string): string =>
  text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…').replaceAll('|', '\\|')
