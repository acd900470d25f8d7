import { join } from 'node:path'
import type { Posted, Posting } from './load-posts.ts'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { emptyOrders, expectOrders } from './orders-book.ts'
import { Outbox } from './outbox.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue } from './queue.ts'

/** Loaded before an orders-api that is to wake nobody. */
const withoutWakeUp = `--import ${join(import.meta.dirname, 'no-wake-up.ts')}`

/** As often as it is woken, so that both sides have the same relaying beside them. */
const looksOften = { RELAY_IDLE_MS: '25' }

/** POST /orders to an orders-api that wakes the relay, against one whose NOTIFY goes nowhere. */
export const wakeUpCost: Measurement = {
  name: 'wake-up cost',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { ordersUrl, brokerUrl } = bench.servers
    const count = bench.quick ? 2_000 : 20_000
    await using queue = await openQueue(brokerUrl)
    await using outbox = await Outbox.connect(ordersUrl)
    await outbox.empty()
    await using _relay = await startProcess('orders-relay', bench, { env: looksOften })
    await using waking = await startProcess('orders-api', bench)
    await using silent = await startProcess('orders-api', bench, {
      env: { NODE_OPTIONS: withoutWakeUp },
    })
    await using load = startPeer<Posting, Posted>('load-posts.ts')

    const posts = (url: string) => async () => {
      await emptyOrders(ordersUrl)
      const ask = { url: `${url}/orders`, count, connections: 64, users: 1_000 }
      const { ms } = await load.ask(ask)
      await outbox.untilDrained()
      await expectOrders(ordersUrl, count)
      await queue.takeAll(count)
      return count / (ms / 1_000)
    }
    const sides = { on: posts(waking.url), off: posts(silent.url) }
    const { on, off } = await alternate(bench, 'wake-up cost', sides)
    const common = { name: 'wake-up cost', unit: 'orders/s', against: 'without the wake-up' }
    return [{ ...common, values: on, limits: off, target: { ratioAtLeast: 0.97 } }]
  },
}
