import type { Order, OrderPage } from '#contracts/orders-http.ts'
import { isPending, pendingStatuses } from './order-status.ts'
import { itemsOf } from './pages.ts'

/** One page of a user's orders, newest first. */
export type ReadPage = (query: {
  status?: Order['status']
  limit?: number
  cursor?: string
}) => Promise<OrderPage>

/** What is known of a user's orders. */
export interface Known {
  /** Orders that began before are final, and were told or are no news. */
  from: string
  /** Of those that began later, the final ones that were told or are no news; undefined before the first reading. */
  finals: ReadonlySet<string> | undefined
}

/**
 * How much later than it began an order may become visible. `created_at` is the time at which its
 * transaction began. That has six more statements (two for Idempotency-Keys, three that write, COMMIT),
 * each ended by the server after 5 s, and before each a pause, ended after 10 s.
 */
export const mostCommitDelayMs = 6 * (5_000 + 10_000)

/**
 * A WebSocket tells of a user's orders from now on; what ended while there was none has to be read.
 * Returns the orders that may be news, oldest first, and what is known from now on.
 *
 * The first time (`known` undefined) nothing was missed, and there is only a place to begin.
 */
export async function backfill(
  read: ReadPage,
  known: Known | undefined,
): Promise<{ orders: Order[]; known: Known }> {
  const from = known?.from ?? (await findStart(read))
  const orders = await readBack(read, from, {})
  const news = known ? orders.filter((order) => !known.finals?.has(stateOf(order))) : []
  const finals = new Set(orders.filter((order) => !isPending(order)).map(stateOf))
  return { orders: news.toReversed(), known: { from: startOf(orders, orders[0]) ?? from, finals } }
}

/** What was heard before the first reading: should the connection be lost now, the reading begins there. */
export function withHeard(known: Known | undefined, { created_at }: Order): Known {
  const from = before(created_at)
  return known && (known.finals || known.from <= from) ? known : { from, finals: undefined }
}

async function findStart(read: ReadPage): Promise<string> {
  const pending: Order[] = []
  for (const status of pendingStatuses) pending.push(...(await readBack(read, '', { status })))
  const { items: newest } = await read({ limit: 1 })
  return startOf(pending, newest[0]) ?? ''
}

/**
 * From where the next reading has to begin: the oldest order that is pending now, or the oldest that
 * may not be visible yet, which begins not long before the newest that is.
 */
function startOf(orders: Order[], newest: Order | undefined): string | undefined {
  if (!newest) return undefined
  const unseen = before(newest.created_at)
  const pending = orders.filter(isPending)
  return [unseen, ...pending.map(({ created_at }) => created_at)].sort()[0]
}

const before = (at: string): string => new Date(Date.parse(at) - mostCommitDelayMs).toISOString()

const stateOf = ({ order_id, status }: Order) => `${order_id} ${status}`

async function readBack(
  read: ReadPage,
  from: string,
  query: { status?: Order['status'] },
): Promise<Order[]> {
  const orders: Order[] = []
  for await (const order of itemsOf((page) => read({ ...query, ...page }))) {
    if (order.created_at < from) break
    orders.push(order)
  }
  return orders
}
