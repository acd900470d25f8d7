import type { Inserting } from './bare-orders.ts'
import { startPeer } from './processes.ts'
import type { Servers } from './servers.ts'
import { execute } from './servers.ts'

/** Empties what orders-api writes into. */
export const emptyOrders = (ordersUrl: string) => execute(ordersUrl, 'TRUNCATE orders, outbox')

/** Throws unless there are so many orders, each with its request in the outbox. */
export async function expectOrders(ordersUrl: string, count: number): Promise<void> {
  const [found] = await execute<{ orders: number; asked: number }>(
    ordersUrl,
    `SELECT count(*)::int AS orders, count(event_id)::int AS asked
     FROM orders LEFT JOIN outbox ON event_id = request_id AND payload_json -> 'data' ->> 'order_id' = order_id::text`,
  )
  if (found?.orders === count && found.asked === count) return
  throw new Error(`of ${count} orders: ${JSON.stringify(found)}`)
}

/** The INSERTs of orders alone, in a database of their own: the limit of whoever accepts orders. */
export async function bareOrders({ database }: Servers, clients: number) {
  const ordersUrl = await database('bare_orders', 'orders')
  const peer = startPeer<Inserting, { ms: number }>('bare-orders.ts')
  return {
    rate: async (count: number): Promise<number> => {
      await emptyOrders(ordersUrl)
      const { ms } = await peer.ask({ ordersUrl, count, clients })
      await expectOrders(ordersUrl, count)
      return count / (ms / 1_000)
    },
    [Symbol.asyncDispose]: peer[Symbol.asyncDispose],
  }
}
