import type { Posted, Posting } from './load-posts.ts'
import {
  alternate,
  type Bench,
  type Figure,
  type Measurement,
  median,
  quantile,
} from './measurement.ts'
import { bareOrders, emptyOrders, expectOrders } from './orders-fixture.ts'
import { startPeer } from './processes.ts'
import { startSystem } from './system.ts'

/** Whom orders-api does not need. */
export const bystanders = [
  'orders-relay',
  'orders-consumer',
  'payments-api',
  'payments-relay',
  'payments-consumer',
]

/** POST /orders through nginx to one orders-api, 64 keep-alive connections; against its INSERTs. */
export const accept: Measurement = {
  name: 'accept',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { servers, quick } = bench
    const count = quick ? 2_000 : 20_000
    await using bare = await bareOrders(servers, 32)
    await using system = await startSystem(bench, { without: bystanders })
    await using load = startPeer<Posting, Posted>('load-posts.ts')

    const p99s: number[] = []
    const posts = async (round: number) => {
      await emptyOrders(servers.ordersUrl)
      const url = `${system.gateway}/orders`
      const { ms, answerMs } = await load.ask({ url, count, connections: 64, users: 1_000 })
      await expectOrders(servers.ordersUrl, count)
      if (round > 0) p99s.push(quantile(answerMs, 0.99))
      return count / (ms / 1_000)
    }
    const sides = { posts, inserts: () => bare.rate(count) }
    const { posts: values, inserts } = await alternate(bench, 'accept', sides)
    return [
      {
        name: 'accept',
        unit: 'orders/s',
        values,
        against: 'the same INSERTs by a bare pg loop, 32 connections',
        limits: inserts,
        target: { ratioAtLeast: 0.5 },
        note: `p99 of an answer ${median(p99s).toFixed(0)} ms, at 64 requests side by side`,
      },
    ]
  },
}
