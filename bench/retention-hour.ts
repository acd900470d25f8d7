import { fullLoad } from './end-to-end.ts'
import type { Load, Loaded } from './load-orders.ts'
import { type Bench, type Figure, type Measurement, readable } from './measurement.ts'
import { startPeer } from './processes.ts'
import { expireWhile, readSizes, type Sizes } from './retained-rows.ts'
import { auditSystem, startSystem } from './system.ts'

/** The shortest times that may be set. */
const env = {
  OUTBOX_RETENTION_DAYS: '1',
  INBOX_RETENTION_DAYS: '2',
  IDEMPOTENCY_KEY_RETENTION_HOURS: '24',
}

/**
 * The whole stack at half of its limit for an hour, or as long as is asked for, while as many old
 * rows expire as new ones are written: whether tables and indexes stay as large as they are, and
 * vacuums keep up.
 */
export const retentionHour: Measurement = {
  name: 'retention-hour',
  isLong: true,
  run: async (bench: Bench): Promise<Figure[]> => {
    const seconds = (bench.minutes ?? (bench.quick ? 1 : 60)) * 60
    await using system = await startSystem(bench, { env })
    await using load = startPeer<Load, Loaded>('load-orders.ts')
    const limit = await load.ask({ ...fullLoad(system, seconds > 300 ? 30 : 5), isKeyed: true })
    let orders = limit.orders.length
    const perSecond = limit.finalInTime / (limit.ms / 1_000) / 2
    bench.progress(`retention-hour: ${readable(perSecond)} orders a second for ${seconds} s`)
    await expireWhile(bench.servers, { perSecond, seconds })

    const samples: Sizes[] = [await readSizes(bench.servers)]
    const step = Math.min(60, seconds / 12)
    for (let elapsed = 0; elapsed < seconds; elapsed += step) {
      const half = { ...fullLoad(system, step), perSecond, isKeyed: true }
      orders += (await load.ask(half)).orders.length
      samples.push(await readSizes(bench.servers))
      bench.progress(`retention-hour, ${samples.length - 1}: ${describe(samples.at(-1) ?? {})}`)
    }
    await auditSystem(bench, orders)
    return figuresOf(samples, perSecond)
  },
}

function figuresOf(samples: Sizes[], perSecond: number): Figure[] {
  const later = samples.slice(Math.floor(samples.length / 2))
  const [middle = {}, last = {}] = [later[0], later.at(-1)]
  const growthOf = (part: 'tableMb' | 'indexMb') =>
    Object.entries(last).map(([name, sizes]) => sizes[part] / (middle[name]?.[part] ?? 1))
  const all = later.flatMap((sample) => Object.values(sample))
  const common = { limits: [], against: `the second half of it, ${readable(perSecond)} orders/s` }
  const size = { ...common, unit: '× from its middle to its end', target: { valueAtMost: 1.1 } }
  return [
    {
      ...{ ...size, name: 'retention-hour, tables', values: [Math.max(...growthOf('tableMb'))] },
      note: `at the end: ${describe(last)}`,
    },
    { ...size, name: 'retention-hour, indexes', values: [Math.max(...growthOf('indexMb'))] },
    {
      ...{ ...common, name: 'retention-hour, dead rows', unit: 'of all rows of a table, at most' },
      values: [Math.max(...all.map(({ dead, live }) => dead / Math.max(1, dead + live)))],
      target: { valueAtMost: 0.25 },
      note: `vacuums: ${Object.entries(last)
        .map(([name, { vacuums }]) => `${name} ${vacuums}`)
        .join(', ')}`,
    },
    {
      ...{ ...common, name: 'retention-hour, behind', unit: 's after a row has expired, at most' },
      values: [Math.max(...all.map(({ behindSeconds }) => behindSeconds))],
      target: { valueAtMost: 120 },
    },
  ]
}

const describe = (sizes: Sizes): string =>
  Object.entries(sizes)
    .map(([name, { tableMb, indexMb, dead }]) => {
      const parts = [readable(tableMb), readable(indexMb)]
      return `${name} ${parts.join(' + ')} MB, ${dead.toLocaleString('en')} dead`
    })
    .join('; ')
