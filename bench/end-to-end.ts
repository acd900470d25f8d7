import type { Load, Loaded } from './load-orders.ts'
import {
  alternate,
  type Bench,
  type Figure,
  type Measurement,
  median,
  readable,
} from './measurement.ts'
import { bareOrders } from './orders-fixture.ts'
import { startPeer } from './processes.ts'
import { execute } from './servers.ts'
import { auditSystem, type System, startSystem } from './system.ts'

const users = 1_000

/**
 * Orders from the POST through nginx to the final status at a WebSocket, whole stack and load on
 * the same machine. A new order waits until another is final, so that the backlog is flat; against
 * a loop that only writes the order and its outbox row.
 */
export const endToEnd: Measurement = {
  name: 'end to end',
  run: async (bench: Bench): Promise<Figure[]> => {
    await using bare = await bareOrders(bench.servers, 32)
    await using system = await startSystem(bench, { accounts: users })
    await using load = startPeer<Load, Loaded>('load-orders.ts')
    const seconds = bench.quick ? 5 : 60
    const costs: Cost[] = []
    let orders = 0

    const ours = async (round: number) => {
      const before = system.cpuMs()
      const loaded = await load.ask(fullLoad(system, round === 0 ? seconds / 5 : seconds))
      orders += loaded.orders.length
      if (round === 0) await analyze(bench)
      if (round > 0) costs.push(costOf(before, system.cpuMs(), loaded.orders.length))
      return loaded.finalInTime / (loaded.ms / 1_000)
    }
    const limit = () => bare.rate(bench.quick ? 5_000 : 30_000)
    const values = await alternate(bench, 'end to end', { ours, limit })
    await auditSystem(bench, orders)
    return figuresOf(values, costs)
  },
}

/** As autovacuum does within a minute; until then statements have the plans of empty tables. */
async function analyze({ servers }: Bench): Promise<void> {
  await execute(servers.ordersUrl, 'ANALYZE')
  await execute(servers.paymentsUrl, 'ANALYZE')
}

/** Half a second's worth of orders under way: enough to keep all busy. */
export const fullLoad = ({ gateway }: System, seconds: number): Load => ({
  gateway,
  seconds,
  users,
  connections: 64,
  inFlight: 1_000,
})

/** CPU milliseconds an order, by program. */
type Cost = Record<string, number>

const costOf = (before: Cost, after: Cost, orders: number): Cost =>
  Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / orders]),
  )

const sumOf = (cost: Cost): number => Object.values(cost).reduce((sum, ms) => sum + ms, 0)

function figuresOf(values: Record<'ours' | 'limit', number[]>, costs: Cost[]): Figure[] {
  return [
    {
      name: 'end to end',
      unit: 'orders/s',
      values: values.ours,
      against: 'a bare pg loop that only INSERTs order and outbox row, 32 connections',
      limits: values.limit,
      target: { ratioAtLeast: 0.25 },
    },
    {
      name: 'end to end, CPU',
      unit: 'ms/order',
      values: costs.map(sumOf),
      against: 'CPU time of all processes, PostgreSQL, RabbitMQ and nginx',
      limits: [],
      target: { valueAtMost: 1.2 },
      note: breakdown(costs),
    },
  ]
}

const breakdown = (costs: Cost[]): string =>
  Object.keys(costs[0] ?? {})
    .map((name): [string, number] => [name, median(costs.map((cost) => cost[name] ?? 0))])
    .sort(([, a], [, b]) => b - a)
    .map(([name, ms]) => `${name} ${readable(ms)}`)
    .join(', ')
