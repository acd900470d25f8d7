import { median, readable } from './measurement.ts'
import { aligned, spread } from './report.ts'

/** A figure of one run, as `--json` writes it. */
export interface Measured {
  name: string
  value: number
  unit: string
}

/** One figure of two builds, with the value of each round. */
export interface Comparison {
  name: string
  unit: string
  ours: number[]
  theirs: number[]
}

/** The figures that both builds have, in our order. */
export function compare(ours: Measured[], theirs: Measured[]): Comparison[] {
  const ofThem = Map.groupBy(theirs, ({ name }) => name)
  return [...Map.groupBy(ours, ({ name }) => name)].flatMap(([name, measured]) => {
    const others = ofThem.get(name)
    const unit = measured[0]?.unit ?? ''
    return others ? [{ name, unit, ours: valuesOf(measured), theirs: valuesOf(others) }] : []
  })
}

const valuesOf = (measured: Measured[]): number[] => measured.map(({ value }) => value)

const head = ['name', 'unit', 'ours', 'theirs', 'ratio']

/** For the terminal: medians with the least and the greatest, and the ratio of the medians. */
export const comparisonTable = (comparisons: Comparison[]): string =>
  aligned([head, ...comparisons.map(cellsOf)]).join('\n')

const cellsOf = ({ name, unit, ours, theirs }: Comparison): string[] => [
  name,
  unit,
  spread(ours),
  spread(theirs),
  `${readable(median(ours) / median(theirs))} (${ratios(ours, theirs)})`,
]

/** The least and the greatest ratio of two values of one round. */
function ratios(ours: number[], theirs: number[]): string {
  const ofRounds = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  return `${readable(Math.min(...ofRounds))}–${readable(Math.max(...ofRounds))}`
}
