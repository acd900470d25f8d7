import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figure, type Measurement, median, readable } from './measurement.ts'
import { execute, type Servers } from './servers.ts'
import { type System, startSystem } from './system.ts'

/** The whole stack with nothing to do: what it asks its databases, and the CPU time it takes. */
export const idle: Measurement = {
  name: 'idle',
  run: async (bench: Bench): Promise<Figure[]> => {
    const seconds = bench.quick ? 5 : 20
    await using system = await startSystem(bench)
    await execute(bench.servers.ordersUrl, 'CHECKPOINT') // what was written before is not its work
    await sleep(bench.quick ? 2_000 : 10_000) // nor is what a start leaves to do
    const times = bench.quick ? 3 : 7
    const loads: Record<string, number>[] = []
    const queries: Record<string, number>[] = []
    for (let round = 1; round <= times; round++) {
      loads.push(await percentOfACore(system, seconds))
      queries.push(await queriesPerSecond(bench.servers, seconds))
      bench.progress(`idle, round ${round} of ${times}: ${describe(loads.at(-1) ?? {})}`)
    }
    return figuresOf(loads, queries)
  },
}

async function percentOfACore(system: System, seconds: number): Promise<Record<string, number>> {
  const before = system.cpuMs()
  const startedAt = performance.now()
  await sleep(seconds * 1_000)
  const ms = performance.now() - startedAt
  const after = Object.entries(system.cpuMs())
  return Object.fromEntries(
    after.map(([name, used]) => [name, ((used - (before[name] ?? 0)) / ms) * 100]),
  )
}

/**
 * Statements by who sends them, BEGIN and COMMIT and heartbeats too, as PostgreSQL logs them; apart
 * from the CPU time, since logging costs some.
 */
async function queriesPerSecond(servers: Servers, seconds: number) {
  const log = () => readFileSync(join(servers.dir, 'logs', 'postgres.log'), 'utf8')
  await configure(servers, `log_line_prefix = '%a|'`, `log_statement = 'all'`)
  const before = log().length
  await sleep(seconds * 1_000)
  const lines = log().slice(before).split('\n')
  await configure(servers, 'log_line_prefix = DEFAULT', 'log_statement = DEFAULT')
  const senders = lines.flatMap(
    (line) => /^([^|]*)\|LOG: +(?:statement|execute)/.exec(line)?.[1] ?? [],
  )
  const counts = Map.groupBy(senders, (sender) => sender.replace(/ listen$/, ''))
  return Object.fromEntries([...counts].map(([name, sent]) => [name, sent.length / seconds]))
}

async function configure({ ordersUrl }: Servers, ...settings: string[]): Promise<void> {
  for (const setting of settings) await execute(ordersUrl, `ALTER SYSTEM SET ${setting}`)
  await execute(ordersUrl, 'SELECT pg_reload_conf()')
  await sleep(500)
}

const sumOf = (parts: Record<string, number>) =>
  Object.values(parts).reduce((sum, part) => sum + part, 0)

const describe = (parts: Record<string, number>): string =>
  Object.entries(parts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, part]) => `${name} ${readable(part)}`)
    .join(', ')

function figuresOf(loads: Record<string, number>[], queries: Record<string, number>[]): Figure[] {
  const medians = (all: Record<string, number>[]) =>
    Object.fromEntries(
      Object.keys(all[0] ?? {}).map((name) => [name, median(all.map((one) => one[name] ?? 0))]),
    )
  const ofRelay = (found: Record<string, number>) =>
    Math.max(found['orders-relay'] ?? 0, found['payments-relay'] ?? 0)
  const common = { limits: [], against: 'the whole stack without traffic' }
  return [
    {
      ...common,
      name: 'idle, queries',
      unit: 'queries/s of a relay',
      values: queries.map(ofRelay),
      target: { valueAtMost: 1 },
      note: `statements a second by process: ${describe(medians(queries))}`,
    },
    {
      ...common,
      name: 'idle, CPU',
      unit: '% of a core',
      values: loads.map(sumOf),
      target: { valueAtMost: 2 },
      note: `by program: ${describe(medians(loads))}`,
    },
  ]
}
