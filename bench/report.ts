import { writeFileSync } from 'node:fs'
import { type Figure, median } from './measurement.ts'

/** The ratio of the medians: of two sides that were measured in turn. */
export const ratioOf = ({ values, limits }: Figure): number => median(values) / median(limits)

const isMet = (figure: Figure): boolean => ratioOf(figure) >= figure.target

/** Medians with the least and the greatest of all rounds. */
export function table(figures: Figure[]): string {
  const head = ['', 'ours', 'the limit', 'ratio', 'target', '', 'the limit is']
  const rows = figures.map((figure) => [
    figure.name,
    `${spread(figure.values)} ${figure.unit}`,
    `${spread(figure.limits)} ${figure.unit}`,
    ratioOf(figure).toFixed(2),
    `≥ ${figure.target.toFixed(2)}`,
    isMet(figure) ? 'met' : 'MISSED',
    figure.against,
  ])
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
  return all.map((row) => line(row).join('  ').trimEnd()).join('\n')
}

const spread = (values: number[]): string =>
  `${whole(median(values))} (${whole(Math.min(...values))}–${whole(Math.max(...values))})`

const whole = (value: number): string => Math.round(value).toLocaleString('en')

/** For programs; `value` is a median, and the limit's was `value / ratio`. */
export function writeJson(file: string, figures: Figure[]): void {
  const rows = figures.map((figure) => ({
    name: figure.name,
    value: Math.round(median(figure.values)),
    unit: figure.unit,
    ratio: Number(ratioOf(figure).toFixed(3)),
    against: figure.against,
    target: figure.target,
    met: isMet(figure),
  }))
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`)
}
