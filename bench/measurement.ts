import type { Servers } from './servers.ts'

/** What every measurement gets. */
export interface Bench {
  servers: Servers
  /** Scales the number of messages and the times. */
  quick: boolean
  profile: string | undefined
  /** How long a measurement lasts that is told so. */
  minutes?: number | undefined
  progress: (line: string) => void
}

/** One line of the table. */
export interface Figure {
  name: string
  unit: string
  /** Ours, of every round. */
  values: number[]
  /** What it is compared with. */
  against: string
  /** The values of that in the same rounds; none when the target is of the value itself. */
  limits: number[]
  target: Target
  /** What the figure is made of. */
  note?: string
}

/**
 * What is good enough: so much of what it is compared with, no more of it than that, or a value not
 * to be exceeded.
 */
export type Target = { ratioAtLeast: number } | { ratioAtMost: number } | { valueAtMost: number }

export interface Measurement {
  name: string
  /** Only when it is named: it takes as long as many others, or needs npm's registry. */
  isLong?: true
  run: (bench: Bench) => Promise<Figure[]>
}

/**
 * How often each side is measured, after a round to warm up, unless it takes more to tell them
 * apart.
 */
export const rounds = 3

/** One round of one side; returns its figure. Round 0 warms up. */
type Side = (round: number) => Promise<number>

/**
 * All sides in turn, first once to warm up and then round by round, and never at the same time:
 * whatever else the machine does meanwhile, it does to all of them.
 */
export async function alternate<Name extends string>(
  { progress }: Bench,
  name: string,
  sides: Record<Name, Side>,
  { times = rounds } = {},
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[]
  const values = Object.fromEntries(names.map((side) => [side, [] as number[]]))
  for (let round = 0; round <= times; round++) {
    const label = round === 0 ? 'warm-up' : `round ${round} of ${times}`
    for (const side of names) {
      const value = await sides[side](round)
      progress(`${name}, ${label}, ${side}: ${readable(value)}`)
      if (round > 0) values[side]?.push(value)
    }
  }
  return values as Record<Name, number[]>
}

/** The middle one; the mean of the two in the middle when their number is even. */
export const median = (values: number[]): number => quantile(values, 0.5)

/** Between two neighbours, the weighted mean of them. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * part
  const [low, high] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number]
  return low + (high - low) * (place - Math.floor(place))
}

/** Three digits at least; thousands apart. */
export function readable(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
