import { writeFileSync } from 'node:fs'
import { type Figure, median, readable, type Target } from './measurement.ts'

/**
 * The ratio of the medians: of two sides that were measured in turn, or of a value and its bound.
 */
export function ratioOf({ values, limits, target }: Figure): number {
  return median(values) / (limits.length > 0 ? median(limits) : boundOf(target))
}

const boundOf = (target: Target): number => Object.values<number>(target)[0] ?? Number.NaN

function isMet(figure: Figure): boolean {
  const { target } = figure
  if ('ratioAtLeast' in target) return ratioOf(figure) >= target.ratioAtLeast
  if ('ratioAtMost' in target) return ratioOf(figure) <= target.ratioAtMost
  return median(figure.values) <= target.valueAtMost
}

/** The columns of the table. */
export const head = ['name', 'ours', 'against', 'what that is', 'ratio', 'target', '']

/** Medians with the least and the greatest of all rounds. */
export const cellsOf = (figure: Figure): string[] => [
  figure.name,
  `${spread(figure.values)} ${figure.unit}`,
  figure.limits.length > 0 ? spread(figure.limits) : '',
  figure.against,
  readable(ratioOf(figure)),
  targetOf(figure),
  isMet(figure) ? 'met' : 'MISSED',
]

function targetOf({ target, unit }: Figure): string {
  if ('ratioAtLeast' in target) return `ratio ≥ ${target.ratioAtLeast}`
  if ('ratioAtMost' in target) return `ratio ≤ ${target.ratioAtMost}`
  return `≤ ${target.valueAtMost} ${unit}`
}

/** For the terminal. */
export function table(figures: Figure[]): string {
  const notes = figures.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : []))
  return [...aligned([head, ...figures.map(cellsOf)]), '', ...notes].join('\n')
}

/** Lines of a table, each column as wide as its widest cell. */
export function aligned(rows: string[][]): string[] {
  const columns = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(columns?.[column] ?? 0))
  return rows.map((row) => line(row).join('  ').trimEnd())
}

/** A median with the least and the greatest value. */
export const spread = (values: number[]): string =>
  `${readable(median(values))} (${readable(Math.min(...values))}–${readable(Math.max(...values))})`

/** For programs; `value` is a median, and the other's was `value / ratio`. */
export function writeJson(file: string, figures: Figure[]): void {
  const rows = figures.map((figure) => ({
    name: figure.name,
    value: rounded(median(figure.values)),
    unit: figure.unit,
    ratio: rounded(ratioOf(figure)),
    against: figure.against,
    target: boundOf(figure.target),
    met: isMet(figure),
  }))
  writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`)
}

const rounded = (value: number): number => Number(value.toPrecision(4))
