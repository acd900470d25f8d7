import pg from 'pg'
import { restingList } from '#tables/orders.ts'
import { now, sleepUntil } from './clock.ts'
import { cpuMs } from './resources.ts'
import type { Watch, WatchedRows } from './watch.ts'

/**
 * Follows orders in their rows, so that systems with and without a WebSocket are watched alike: one
 * connection, and one statement for all that are under way, so long after the answer to the last.
 */
export async function watchRows(
  { ordersUrl, everyMs }: WatchedRows,
  onFinal: (orderId: string, status: string) => void,
): Promise<Watch> {
  const client = new pg.Client({ connectionString: ordersUrl })
  await client.connect()
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
  const waiting = new Set<string>()
  let isClosed = false
  const look = async () => {
    while (!isClosed) {
      for (const { order_id, status } of await readFinal(client, [...waiting])) {
        waiting.delete(order_id)
        onFinal(order_id, status)
      }
      await sleepUntil(now() + everyMs)
    }
    await client.end()
  }
  void look() // what it throws ends the process, and the harness is told
  return {
    add: (orderId) => void waiting.add(orderId),
    cpuMs: () => cpuMs(rows[0].pid),
    close: () => {
      isClosed = true
    },
  }
}

async function readFinal(client: pg.Client, orderIds: string[]) {
  if (orderIds.length === 0) return []
  const { rows } = await client.query<{ order_id: string; status: string }>({
    name: 'final',
    text: `SELECT order_id, status FROM orders
           WHERE order_id = ANY ($1::uuid[]) AND status IN (${restingList})`,
    values: [orderIds],
  })
  return rows
}
