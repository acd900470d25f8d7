import type { Order, OrderPage } from '../orders-http.ts'

/** One page of a user's orders, newest first. */
export type ReadPage = (query: {
  status?: Order['status']
  limit?: number
  cursor?: string
}) => Promise<OrderPage>

/** Since when orders may have ended without being told: the moment that the oldest of them was made. */
export type Since = string | undefined

/**
 * A WebSocket tells of a user's orders from now on; what ended while there was none has to be read.
 * Returns the orders that were made since then, oldest first, and from where to read the next time.
 *
 * The first time (`since` undefined) there is nothing to catch up with, only a place to begin: the
 * oldest order that is still pending, or else the newest of all.
 */
export async function catchUp(
  read: ReadPage,
  since: Since,
): Promise<{ orders: Order[]; since: Since }> {
  if (since === undefined) {
    const pending = await readBack(read, '', { status: 'PAYMENT_PENDING' })
    const { items: newest } = await read({ limit: 1 })
    return { orders: [], since: placeOf(pending, newest) ?? '' }
  }
  const orders = await readBack(read, since, {})
  return { orders: orders.toReversed(), since: placeOf(orders, orders) ?? since }
}

/** The oldest of those that are pending, or else the newest order. */
const placeOf = (orders: Order[], newest: Order[]): Since =>
  (orders.findLast(({ status }) => status === 'PAYMENT_PENDING') ?? newest[0])?.created_at

async function readBack(
  read: ReadPage,
  since: string,
  query: { status?: Order['status'] },
): Promise<Order[]> {
  const orders: Order[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await read({ ...query, limit: 100, ...(cursor && { cursor }) })
    const recent = page.items.filter(({ created_at }) => created_at >= since)
    orders.push(...recent)
    cursor = recent.length < page.items.length ? null : page.next_cursor
  }
  return orders
}
