import { readable } from '../measurement.ts'
import type { Layout } from './pipeline.ts'
import { loadGenerator, tiers } from './service-times.ts'
import { simulate } from './simulate.ts'

/** What the comparison takes of a file that `npm run bench -- --json` has written. */
const needed = ['end to end', 'end to end, CPU', 'latency, p50', 'latency, p99'] as const
type Figures = Record<(typeof needed)[number], number>

/** Throws an Error that says which figures are missing, and how to measure them. */
export function figuresOf(json: unknown): Figures {
  const rows = Array.isArray(json) ? (json as { name?: unknown; value?: unknown }[]) : []
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  const missing = needed.filter((name) => !(Number(values.get(name)) > 0))
  if (missing.length > 0) {
    throw new Error(
      `--compare takes what npm run bench -- --only "end to end" --only latency --json FILE ` +
        `has written; there is no figure above 0 of ${missing.join(', ')}`,
    )
  }
  return Object.fromEntries(needed.map((name) => [name, Number(values.get(name))])) as Figures
}

export const comparedHead = ['point', 'figure', 'measured', 'simulated', 'simulated ÷ measured']

/**
 * The two points of the benchmark beside the simulation of them: a thousand orders always under
 * way, and twenty orders a second. Of the measured run the simulation knows only the CPU of an
 * order at full load, which says how fast a core of that day was.
 */
export function comparison(figures: Figures, cores: number, seconds: number): string[][] {
  const layout = { machines: 1, cores, replicas: 1 } satisfies Layout
  const full = (speed: number) =>
    simulate({
      ...layout,
      speed,
      load: { underWay: 1_000 },
      seconds,
      tiers: [loadGenerator, ...tiers],
    })
  const ownCpu = full(1).cpuMsPerOrder - (loadGenerator.steps[0]?.[2] ?? 0)
  const speed = ownCpu / figures['end to end, CPU']
  const { perSecond } = full(speed)
  const { answered } = simulate({ ...layout, speed, load: { perSecond: 20 }, seconds: 60 })
  const row = (point: string, figure: string, measured: number, simulated: number) => [
    point,
    figure,
    ...[measured, simulated, simulated / measured].map(readable),
  ]
  return [
    row('1,000 under way', 'orders/s', figures['end to end'], perSecond),
    row('20 orders/s', 'p50, ms', figures['latency, p50'], answered.p50Ms),
    row('20 orders/s', 'p99, ms', figures['latency, p99'], answered.p99Ms),
  ]
}
