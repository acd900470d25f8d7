import { sayOrders } from '../judge/verdict.ts'
import { countsOf } from './counts.ts'
import { limitsOf, sayMeasure } from './limits.ts'
import type { Outcome } from './outcome.ts'
import { sayStandstills } from './standstill.ts'

export interface Reported {
  title: string
  /** What makes this run once more. */
  command: string
  outcome: Outcome
}

/** What a run has shown, as tables. */
export function markdownOf({ title, command, outcome }: Reported): string {
  const { faults } = outcome
  return [
    `**${title}: ${faults.length === 0 ? 'green' : `RED, ${faults.length} faults`}**`,
    '',
    `\`${command}\``,
    '',
    ...summaryOf(outcome).map((line) => `- ${line}`),
    ...faultTable(outcome),
    ...recoveryTable(outcome),
    ...limitTable(outcome),
    '',
    ...faults.slice(0, 50).map((fault) => `- RED: ${fault}`),
    ...(faults.length > 50 ? [`- and ${faults.length - 50} more`] : []),
  ].join('\n')
}

/** The same for programs. */
export function jsonOf({ outcome, ...head }: Reported): object {
  const { journal, ...rest } = outcome
  const { detections, measures } = journal
  return { ...head, ...rest, counts: countsOf(journal), limits: limitsOf(measures), detections }
}

function summaryOf(outcome: Outcome): string[] {
  const { verdict, looks, deadLetters, duplicates, heldBack, standstillsMs } = outcome
  const orders = Object.values(verdict.orders).reduce((sum, count) => sum + count, 0)
  return [
    `${orders} orders: ${sayOrders(verdict.orders)}; ${heldBack} not placed (too many waited)`,
    `${verdict.requestedAgain} payments or refunds were requested again; ${verdict.refunded} orders were refunded`,
    `${looks.done} looks at all money and all new decisions, ${looks.missed} while a database was away`,
    `${duplicates} messages sent again, ${deadLetters} dead letters, each injected`,
    ...(standstillsMs ? [sayStandstills(standstillsMs)] : []),
    ...boundOf(outcome),
  ]
}

/** No failure in n kills bounds the rate of failures at 3/n, with 95 % confidence. */
function boundOf({ journal, faults }: Pick<Outcome, 'journal' | 'faults'>): string[] {
  const kills = journal.injected
    .filter(({ fault }) => ['kill', 'kill broker', 'kill postgres'].includes(fault.kind))
    .reduce((sum, { hits }) => sum + hits, 0)
  if (kills <= 3 || faults.length > 0) return []
  const percent = (300 / kills).toFixed(2)
  return [
    `None of ${kills} kills did harm: with 95 % confidence less than ${percent} % of such kills would (rule of three)`,
  ]
}

const faultTable = ({ journal }: Outcome): string[] =>
  table(
    ['fault', 'times', 'hits', 'missed'],
    countsOf(journal).map(({ what, times, hits, missed }) => [what, times, hits, missed]),
  )

const recoveryTable = ({ recoveries }: Outcome): string[] =>
  table(
    ['recovery', 'count', 'p50', 'p99', 'max', 'target (p99)'],
    recoveries
      .filter(({ times }) => times.count > 0)
      .map(({ what, times: { count, p50Ms, p99Ms, maxMs }, targetMs }) => [
        ...[what, count, seconds(p50Ms), seconds(p99Ms), seconds(maxMs)],
        targetMs === undefined ? '' : seconds(targetMs),
      ]),
  )

const limitTable = ({ journal }: Outcome): string[] =>
  table(
    ['what has a limit', 'times', 'nearest to it', 'limit'],
    limitsOf(journal.measures).map(({ what, times, value, limit, unit, isLeast }) => [
      ...[what, times, sayMeasure(value, unit)],
      `at ${isLeast ? 'least' : 'most'} ${sayMeasure(limit, unit)}`,
    ]),
  )

const seconds = (ms: number): string => sayMeasure(ms, 'ms')

/** With an empty line before it; nothing if it has no rows. */
function table(head: string[], rows: (string | number)[][]): string[] {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return rows.length === 0 ? [] : ['', line(head), line(head.map(() => '---')), ...rows.map(line)]
}
