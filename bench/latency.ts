import { latencyOfLibrary } from './library-latency.ts'
import type { TimedOrder } from './load-orders.ts'
import type { SingleOrders } from './load-single-orders.ts'
import {
  type Bench,
  type Figure,
  type Measurement,
  median,
  quantile,
  readable,
  rounds,
} from './measurement.ts'
import { startPeer } from './processes.ts'
import { readStages, type Stages } from './stages.ts'
import { auditSystem, startSystem } from './system.ts'

const everyMs = 50

/**
 * Single orders, 20 a second, placed and followed by `client/client.ts`: from the answer of the
 * POST to the final status at the WebSocket. Next to it, the one hop of pg-transactional-outbox,
 * polling as it does by default.
 */
export const latency: Measurement = {
  name: 'latency',
  run: async (bench: Bench): Promise<Figure[]> => {
    const count = ((bench.quick ? 3 : 20) * 1_000) / everyMs
    await using library = await latencyOfLibrary(bench)
    await using system = await startSystem(bench)
    await using load = startPeer<SingleOrders, TimedOrder[]>('load-single-orders.ts')
    const ask = { gateway: system.gateway, count, users: 1_000, everyMs }
    const ours: TimedOrder[][] = []
    const hops: number[][] = []
    for (let round = 0; round <= rounds; round++) {
      const orders = await load.ask(ask)
      const hop = await library.measure(count, everyMs)
      bench.progress(`latency, round ${round}: ${describe(orders.map(latencyOf), hop)}`)
      ours.push(orders)
      hops.push(hop)
    }
    await auditSystem(bench, ours.flat().length)
    const stages = await readStages(bench.servers, ours.slice(1).flat())
    return figuresOf(ours.slice(1), hops.slice(1), stages)
  },
}

const latencyOf = ({ answeredAt, finalAt }: TimedOrder) => finalAt - answeredAt

const describe = (ours: number[], hop: number[]): string =>
  `${readable(median(ours))} ms, one hop of the library ${readable(median(hop))} ms`

function figuresOf(ours: TimedOrder[][], hops: number[][], stages: Stages): Figure[] {
  const quantiles = (part: number) => ({
    unit: 'ms',
    values: ours.map((orders) => quantile(orders.map(latencyOf), part)),
    limits: hops.map((hop) => quantile(hop, part)),
    against: 'pg-transactional-outbox, polling at its default, for one hop only',
  })
  const note = Object.entries(stages).map(([stage, ms]) => `${stage} ${readable(ms)}`)
  return [
    {
      ...quantiles(0.5),
      name: 'latency, p50',
      target: { valueAtMost: 15 },
      note: `medians of the stages in ms: ${note.join(', ')}`,
    },
    { ...quantiles(0.99), name: 'latency, p99', target: { valueAtMost: 60 } },
  ]
}
