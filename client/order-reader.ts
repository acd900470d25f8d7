import type { Order, OrderPage } from '#contracts/orders-http.ts'

/** Reads a user's orders. */
export interface OrderReader {
  page: ReadPage
  order: (orderId: string) => Promise<Order>
}

/** One page of a user's orders, newest first. */
export type ReadPage = (query: {
  status?: Order['status']
  limit?: number
  cursor?: string
}) => Promise<OrderPage>
