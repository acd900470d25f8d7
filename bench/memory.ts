import { setTimeout as sleep } from 'node:timers/promises'
import { fullLoad } from './end-to-end.ts'
import type { Load, Loaded } from './load-orders.ts'
import { type Bench, type Figure, type Measurement, median, readable } from './measurement.ts'
import { startPeer } from './processes.ts'
import { auditSystem, type System, startSystem } from './system.ts'

/** What the processes hold in memory after minutes of the end-to-end load, and whether it grows. */
export const memory: Measurement = {
  name: 'memory',
  run: async (bench: Bench): Promise<Figure[]> => {
    const seconds = bench.quick ? 2 : 60
    await using system = await startSystem(bench)
    await using load = startPeer<Load, Loaded>('load-orders.ts')
    const samples: Record<string, number>[] = []
    let orders = 0
    for (let minute = 1; minute <= 10; minute++) {
      const { length } = (await load.ask(fullLoad(system, seconds))).orders
      orders += length
      samples.push(await settledMegabytes(system))
      bench.progress(`memory, ${minute} of 10: ${describe(samples.at(-1) ?? {})}`)
    }
    await auditSystem(bench, orders)
    return figuresOf(samples)
  },
}

/** A moment after the load, three times. */
async function settledMegabytes(system: System): Promise<Record<string, number>> {
  const taken: Record<string, number>[] = []
  for (let time = 0; time < 3; time++) {
    await sleep(300)
    taken.push(system.megabytes())
  }
  const names = Object.keys(taken[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(taken.map((one) => one[name] ?? 0))]))
}

function figuresOf(samples: Record<string, number>[]): Figure[] {
  const [, , third = {}] = samples
  const last = samples.at(-1) ?? {}
  const growth = Object.entries(last).map(([name, megabytes]) => megabytes / (third[name] ?? 1))
  return [
    {
      name: 'memory',
      unit: 'MB in the largest process',
      values: samples.slice(-3).map((sample) => Math.max(...Object.values(sample))),
      against: 'the resident set of each of the six processes after the end-to-end load',
      limits: [],
      target: { valueAtMost: 130 },
      note: `after ten rounds: ${describe(last)}`,
    },
    {
      name: 'memory, growth',
      unit: '× after ten minutes',
      values: growth,
      against: 'each process after the tenth minute and after the third',
      limits: [],
      target: { valueAtMost: 1.1 },
    },
  ]
}

const describe = (sample: Record<string, number>): string =>
  Object.entries(sample)
    .map(([name, megabytes]) => `${name} ${readable(megabytes)}`)
    .join(', ')
