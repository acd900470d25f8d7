import { sayOrders } from '../faults/verdict.ts'
import type { Outcome } from './outcome.ts'
import { faultKinds, links } from './schedule.ts'

/** What a run has shown, as tables. */
export function markdownOf(title: string, outcome: Outcome): string {
  const { verdict, faults, looks, deadLetters, duplicates, heldBack } = outcome
  const orders = Object.values(verdict.orders).reduce((sum, count) => sum + count, 0)
  return [
    `**${title}: ${faults.length === 0 ? 'green' : `RED, ${faults.length} faults`}**`,
    '',
    `- ${orders} orders: ${sayOrders(verdict.orders)}; ${heldBack} not placed (too many waited)`,
    `- ${verdict.askedAgain} orders were asked for again`,
    `- ${looks.done} looks at all money and all new decisions, ${looks.missed} while a database was away`,
    `- ${duplicates} messages sent again, ${deadLetters} dead letters, each provoked`,
    ...boundOf(outcome),
    '',
    ...table(
      ['fault', 'times', 'hits', 'missed'],
      countsOf(outcome).map(({ what, times, hits, missed }) => [what, times, hits, missed]),
    ),
    '',
    ...table(
      ['recovery', 'count', 'p50', 'p99', 'max', 'target (p99)'],
      outcome.recoveries
        .filter(({ times }) => times.count > 0)
        .map(({ what, times: { count, p50Ms, p99Ms, maxMs }, targetMs }) => [
          what,
          count,
          seconds(p50Ms),
          seconds(p99Ms),
          seconds(maxMs),
          targetMs === undefined ? '' : seconds(targetMs),
        ]),
    ),
    '',
    ...faults.slice(0, 50).map((fault) => `- RED: ${fault}`),
    ...(faults.length > 50 ? [`- and ${faults.length - 50} more`] : []),
  ].join('\n')
}

/** The same for programs. */
export function jsonOf(title: string, outcome: Outcome): object {
  const { journal, ...rest } = outcome
  return { title, ...rest, counts: countsOf(outcome), detections: journal.detections }
}

/** How often each kind was inflicted, network faults by their link. */
function countsOf({ journal }: Outcome) {
  const nameOf = (fault: { kind: string; link?: string }) =>
    fault.link === undefined ? fault.kind : `${fault.kind}: ${fault.link}`
  const names = faultKinds.flatMap((kind) => [kind, ...links.map((link) => `${kind}: ${link}`)])
  return names.flatMap((what) => {
    const done = journal.inflicted.filter(({ fault }) => nameOf(fault) === what)
    const missed = journal.missed.filter(({ fault }) => nameOf(fault) === what).length
    const hits = done.reduce((sum, one) => sum + one.hits, 0)
    return done.length + missed > 0 ? [{ what, times: done.length, hits, missed }] : []
  })
}

/** No failure in n kills bounds the rate of failures at 3/n, with 95 % confidence. */
function boundOf({ journal }: Outcome): string[] {
  const kills = journal.inflicted
    .filter(({ fault }) => ['kill', 'kill broker', 'kill postgres'].includes(fault.kind))
    .reduce((sum, { hits }) => sum + hits, 0)
  if (kills === 0) return []
  const percent = (300 / kills).toFixed(2)
  return [
    `- ${kills} kills; if none did harm, less than ${percent} % of such kills do (95 % confidence)`,
  ]
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

export function table(head: string[], rows: (string | number)[][]): string[] {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}
