import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '#testing/eventually.ts'
import { Crowd } from './crowd.ts'
import type { TimedOrder } from './load-orders.ts'
import type { SingleOrders } from './load-single-orders.ts'
import {
  type Bench,
  type Figure,
  type Measurement,
  median,
  readable,
  rounds,
} from './measurement.ts'
import { startPeer } from './processes.ts'
import { execute } from './servers.ts'
import { type System, startSystem } from './system.ts'

type Latency = () => Promise<number>

/**
 * Clients of the WebSocket who could harm others: all who subscribe come back at once after the
 * gateway was stopped, thousands are silent, one sends junk as fast as it can.
 */
export const subscribers: Measurement = {
  name: 'subscribers',
  run: async (bench: Bench): Promise<Figure[]> => {
    const [many, silent] = bench.quick ? [200, 400] : [2_000, 4_000]
    // An order that nobody requests again stays pending: it is what a subscriber is served.
    await using system = await startSystem(bench, { env: { PAYMENT_REQUEST_TIMEOUT_MS: '0' } })
    await using load = startPeer<SingleOrders, TimedOrder[]>('load-single-orders.ts')
    const count = bench.quick ? 20 : 100
    const latency: Latency = async () => {
      const ask = { gateway: system.gateway, count, users: 1_000, everyMs: 50 }
      return median((await load.ask(ask)).map(({ sentAt, finalAt }) => finalAt - sentAt))
    }
    await latency() // to warm up
    const alone = [await latency(), await latency()]
    return [
      ...(await beingSilent(bench, system, silent, latency, alone)),
      await flooding(bench, system, latency, alone),
      await reconnecting(bench, system, many),
    ]
  },
}

async function reconnecting(bench: Bench, system: System, many: number): Promise<Figure> {
  const userIds = Array.from({ length: many }, (_, index) => `subscriber-${index}`)
  await execute(
    bench.servers.ordersUrl,
    `INSERT INTO orders (order_id, user_id, amount)
     SELECT uuidv7(), 'subscriber-' || n, 1 FROM generate_series(0, ${many - 1}) AS n`,
  )
  const crowd = new Crowd(system.gateway)
  let served = 0
  const untilServed = async () => {
    await eventually(() => served >= many, { timeoutMs: 120_000 })
    served = 0
  }
  crowd.subscribe(userIds, () => served++)
  await untilServed()
  const values: number[] = []
  const before = { ...system.cpuMs(), harness: process.cpuUsage().user / 1_000 }
  for (let round = 1; round <= rounds; round++) {
    const startMs = performance.now()
    process.kill(system.pidOf('nginx'), 'SIGTERM')
    await untilServed()
    values.push((performance.now() - startMs) / 1_000)
    bench.progress(
      `subscribers, round ${round}: ${many} served in ${readable(values.at(-1) ?? 0)} s`,
    )
  }
  const after = { ...system.cpuMs(), harness: process.cpuUsage().user / 1_000 }
  crowd.close()
  return {
    name: 'subscribers, reconnect',
    unit: `s for ${many}`,
    values,
    against:
      'from stopping the gateway, which is started again, until each subscriber has its pending order again',
    limits: [],
    target: { valueAtMost: 10 },
    note: `CPU seconds of a round: ${spent(before, after)}`,
  }
}

const spent = (before: Record<string, number>, after: Record<string, number>): string =>
  Object.entries(after)
    .map(([name, ms]): [string, number] => [name, (ms - (before[name] ?? 0)) / 1_000 / rounds])
    .filter(([, seconds]) => seconds > 0.1)
    .map(([name, seconds]) => `${name} ${readable(seconds)}`)
    .join(', ')

async function beingSilent(
  bench: Bench,
  system: System,
  silent: number,
  latency: Latency,
  alone: number[],
) {
  const megabytes = () => system.megabytes()['orders-api'] ?? 0
  const before = megabytes()
  const crowd = new Crowd(system.gateway)
  await crowd.openSilent(silent)
  const beside = [await latency(), await latency()]
  const grown = megabytes() - before
  bench.progress(`subscribers, ${crowd.size} silent: ${readable(grown)} MB`)
  crowd.close()
  await eventually(() => crowd.size === 0)
  const figures: Figure[] = [
    {
      name: 'subscribers, silent',
      unit: `MB for ${silent}`,
      values: [grown],
      against: 'the resident set of orders-api, with and without them',
      limits: [],
      target: { valueAtMost: 50 },
    },
    latencyFigure(`beside ${silent} silent ones`, beside, alone),
  ]
  return figures
}

async function flooding(
  bench: Bench,
  system: System,
  latency: Latency,
  alone: number[],
): Promise<Figure> {
  const crowd = new Crowd(system.gateway)
  const stop = new AbortController()
  const flood = crowd.flood(stop.signal)
  await sleep(1_000)
  const beside = [await latency(), await latency()]
  bench.progress(
    `subscribers, a flood: ${readable(median(alone))} → ${readable(median(beside))} ms`,
  )
  stop.abort()
  await flood
  return latencyFigure('beside a flood of junk', beside, alone)
}

const latencyFigure = (name: string, values: number[], limits: number[]): Figure => ({
  name: `subscribers, ${name}`,
  unit: 'ms',
  values,
  against: 'single orders from the POST to the final status, without them',
  limits,
  target: { valueAtMost: 2 * median(limits) },
})
