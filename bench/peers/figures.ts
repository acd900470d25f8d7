import { type Figure, median, quantile, type Target } from '../measurement.ts'
import { spread } from '../report.ts'
import type { Round } from './rounds.ts'

type OfEach<Value> = Record<string, Value> & { ours: Value }

/** Ours against the better one of the others, figure by figure. */
export function figuresOf(rounds: OfEach<Round[]>, inFlight: OfEach<number>): Figure[] {
  const valuesOf = (value: (round: Round) => number) =>
    Object.fromEntries(
      Object.entries(rounds).map(([name, all]) => [name, all.map(value)]),
    ) as OfEach<number[]>
  const single = (part: number) => valuesOf(({ singleMs }) => quantile(singleMs, part))
  const fast = { ratioAtMost: 1 }
  const figures = [
    figureOf(
      'peers, rate',
      'orders/s',
      valuesOf(({ perSecond }) => perSecond),
      { ratioAtLeast: 4 },
    ),
    figureOf(
      'peers, CPU',
      'ms/order',
      valuesOf(({ cpuMs }) => cpuMs),
      { ratioAtMost: 0.3 },
    ),
    figureOf('peers, latency p50', 'ms', single(0.5), fast),
    figureOf('peers, latency p99', 'ms', single(0.99), fast),
  ]
  const levels = Object.entries(inFlight).map(([name, orders]) => `${name} ${orders}`)
  const [rate, ...others] = figures as [Figure, ...Figure[]]
  return [{ ...rate, note: `${rate.note}; orders under way: ${levels.join(', ')}` }, ...others]
}

function figureOf(
  name: string,
  unit: string,
  { ours, ...others }: OfEach<number[]>,
  target: Target,
): Figure {
  const isMoreBetter = 'ratioAtLeast' in target
  const ranked = Object.entries(others)
    .toSorted(([, a], [, b]) => median(a) - median(b))
    .at(isMoreBetter ? -1 : 0)
  const [better = '', limits = []] = ranked ?? []
  const note = Object.entries(others).map(([name, values]) => `${name} ${spread(values)}`)
  const against = `the better one of two engines of durable execution: ${better}`
  return { name, unit, values: ours, against, limits, target, note: note.join(', ') }
}
