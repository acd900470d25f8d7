import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue } from './queue.ts'

/** What the bare window is asked to publish: as many messages, each as large. */
export interface Publishing {
  brokerUrl: string
  count: number
  bytes: number
}

/**
 * Outbox rows drained into a quorum queue by one orders-relay, confirmed and marked, from the commit
 * of the rows to the last mark; against publishing alone, without any database.
 */
export const relay: Measurement = {
  name: 'relay',
  run: async (bench: Bench): Promise<Figure> => {
    const { ordersUrl, brokerUrl } = bench.servers
    const count = bench.quick ? 5_000 : 20_000
    await using queue = await openQueue(brokerUrl)
    await using outbox = await Outbox.connect(ordersUrl)
    await using _relay = await startProcess('orders-relay', bench.servers, bench.profile)
    await using peer = startPeer<Publishing, { ms: number }>('bare-confirm-window.ts')

    const ours = async () => {
      const ids = await outbox.fill(count)
      await outbox.untilDrained()
      const moved = await queue.takeAll(count)
      if (ids.some((id) => !moved.has(id))) throw new Error('the queue held other events')
      return count / (await outbox.secondsToDrain(count))
    }
    const limit = async () => {
      const { ms } = await peer.ask({ brokerUrl, count, bytes: await outbox.messageBytes() })
      await queue.takeAll(count)
      return count / (ms / 1_000)
    }
    return {
      name: 'relay',
      unit: 'events/s',
      ...(await alternate(bench, 'relay', { ours, limit })),
      against: 'a bare amqplib confirm channel, window 1,000, into the same queue',
      target: 0.5,
    }
  },
}
