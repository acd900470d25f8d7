import type { Servers } from './servers.ts'

/** What every measurement gets. */
export interface Bench {
  servers: Servers
  /** Scales the number of messages and rounds. */
  quick: boolean
  profile: string | undefined
  progress: (line: string) => void
}

/** One line of the table. */
export interface Figure {
  name: string
  unit: string
  /** Ours, of every round. */
  values: number[]
  /** What it is compared with, and its values in the same rounds. */
  against: string
  limits: number[]
  /** The least ratio that is good enough. */
  target: number
}

export interface Measurement {
  name: string
  run: (bench: Bench) => Promise<Figure>
}

/** Two sides of one comparison; each does a whole round and returns its figure. */
interface Sides {
  ours: () => Promise<number>
  limit: () => Promise<number>
}

/**
 * Both sides in turn, first once to warm up and then round by round, and never at the same time:
 * whatever else the machine does meanwhile, it does to both.
 */
export async function alternate(
  { progress, quick }: Bench,
  name: string,
  { ours, limit }: Sides,
): Promise<{ values: number[]; limits: number[] }> {
  const rounds = quick ? 3 : 5
  const values: number[] = []
  const limits: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const value = await ours()
    const bound = await limit()
    const label = round === 0 ? 'warm-up' : `round ${round} of ${rounds}`
    progress(`${name}, ${label}: ${Math.round(value)} against ${Math.round(bound)}`)
    if (round === 0) continue
    values.push(value)
    limits.push(bound)
  }
  return { values, limits }
}

/** The middle one; the mean of the two in the middle when their number is even. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}
