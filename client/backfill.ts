import type { Order } from '#contracts/orders-http.ts'
import type { OrderReader, ReadPage } from './order-reader.ts'
import { isPending, paymentPendingStatuses } from './order-status.ts'
import { itemsOf } from './pages.ts'
import {
  backfillRefunds,
  type KnownRefunds,
  noRefunds,
  stateOf,
  withHeardRefund,
} from './refund-backfill.ts'

/** What is known of a user's orders. */
export interface Known {
  /** The payments of orders that began before are decided, and that was told or is no news. */
  from: string
  /**
   * Of those that began later, the states at rest that were told or are no news; undefined before
   * the first reading.
   */
  finals: ReadonlySet<string> | undefined
  refunds: KnownRefunds
}

/**
 * How much later than it began an order may become visible. `created_at` is the time at which its
 * transaction began. That has six more statements (two for Idempotency-Keys, three that write,
 * COMMIT), each ended by the server after 5 s, and before each a pause, ended after 10 s.
 */
export const mostCommitDelayMs = 6 * (5_000 + 10_000)

/**
 * A WebSocket tells of a user's orders from now on; what ended while there was none has to be read.
 * Returns the orders that may be news, oldest first, and what is known from now on.
 *
 * The first time (`known` undefined) nothing was missed, and there is only a place to begin.
 */
export async function backfill(
  reader: OrderReader,
  known: Known | undefined,
): Promise<{ orders: Order[]; known: Known }> {
  const from = known?.from ?? (await findStart(reader.page))
  const orders = await readBack(reader.page, from, {})
  const refunds = await backfillRefunds(reader, known?.refunds ?? noRefunds)
  const news = new Map<string, Order>()
  if (known) {
    const isNews = (order: Order) => !known.finals?.has(stateOf(order))
    for (const order of orders.filter(isNews).toReversed()) news.set(order.order_id, order)
    for (const order of refunds.orders) news.set(order.order_id, order)
  }
  const finals = new Set(orders.filter((order) => !isPending(order)).map(stateOf))
  const next = { from: startOf(orders, orders[0]) ?? from, finals, refunds: refunds.known }
  return { orders: [...news.values()], known: next }
}

/**
 * What was heard before the first reading: should the connection be lost now, the reading begins
 * there.
 */
export function withHeard(known: Known | undefined, order: Order): Known {
  const from = before(order.created_at)
  const heardRefunds = known?.refunds ?? noRefunds
  const refunds = withHeardRefund(heardRefunds, order)
  if (!known || (!known.finals && from < known.from)) return { from, finals: undefined, refunds }
  return refunds === heardRefunds ? known : { ...known, refunds }
}

async function findStart(read: ReadPage): Promise<string> {
  const pending: Order[] = []
  for (const status of paymentPendingStatuses)
    pending.push(...(await readBack(read, '', { status })))
  const { items: newest } = await read({ limit: 1 })
  return startOf(pending, newest[0]) ?? ''
}

/**
 * From where the next reading has to begin: the oldest order that is pending now, or the oldest
 * that may not be visible yet, which begins not long before the newest that is.
 */
function startOf(orders: Order[], newest: Order | undefined): string | undefined {
  if (!newest) return undefined
  const unseen = before(newest.created_at)
  const pending = orders.filter(({ status }) => paymentPendingStatuses.includes(status))
  return [unseen, ...pending.map(({ created_at }) => created_at)].sort()[0]
}

const before = (at: string): string => new Date(Date.parse(at) - mostCommitDelayMs).toISOString()

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
