import { join } from 'node:path'
import type { Posted, Posting } from './load-posts.ts'
import {
  alternate,
  type Bench,
  type Figure,
  type Measurement,
  median,
  readable,
} from './measurement.ts'
import { emptyOrders, expectOrders } from './orders-fixture.ts'
import { Outbox } from './outbox.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue } from './queue.ts'

/** Loaded before an orders-api that must notify no relay. */
const withoutNotification = `--import ${join(import.meta.dirname, 'no-relay-notification.ts')}`

/**
 * A relay without notifications polls so soon after each turn that it makes about as many turns as
 * one with them.
 */
const sides = {
  on: { api: {}, relay: {} },
  off: { api: { NODE_OPTIONS: withoutNotification }, relay: { RELAY_IDLE_MS: '10' } },
}

/**
 * POST /orders to an orders-api that notifies the relay, against one whose NOTIFY goes nowhere.
 * They differ by less than two rounds of one of them do, hence nine rounds.
 */
export const relayNotificationCost: Measurement = {
  name: 'relay notification cost',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { ordersUrl, brokerUrl } = bench.servers
    const count = bench.quick ? 2_000 : 40_000
    await using queue = await openQueue(brokerUrl)
    await using outbox = await Outbox.connect(ordersUrl)
    await outbox.empty()
    await using load = startPeer<Posting, Posted>('load-posts.ts')

    const turns = { on: [] as number[], off: [] as number[] }
    const posts = (side: keyof typeof sides) => async () => {
      await emptyOrders(ordersUrl)
      await using api = await startProcess('orders-api', bench, { env: sides[side].api })
      await using _relay = await startProcess('orders-relay', bench, { env: sides[side].relay })
      const ask = { url: `${api.url}/orders`, count, connections: 64, users: 1_000 }
      const { ms } = await load.ask(ask)
      await outbox.untilDrained()
      await expectOrders(ordersUrl, count)
      await queue.takeAll(count)
      turns[side].push((await outbox.turns()) / (ms / 1_000))
      return count / (ms / 1_000)
    }
    const both = { on: posts('on'), off: posts('off') }
    const { on, off } = await alternate(bench, 'relay notification cost', both, {
      times: bench.quick ? 3 : 9,
    })
    const perSecond = (side: keyof typeof sides) => readable(median(turns[side]))
    return [
      {
        name: 'relay notification cost',
        unit: 'orders/s',
        values: on,
        against: 'without the notification',
        limits: off,
        target: { ratioAtLeast: 0.97 },
        note: `turns of the relay beside it: ${perSecond('on')} a second, without ${perSecond('off')}`,
      },
    ]
  },
}
