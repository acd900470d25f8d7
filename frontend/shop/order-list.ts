import type { Order } from '#contracts/orders-http.ts'
import { isNews } from '../lib/order-words.ts'

/** The latest orders of a user, so many at most. */
export class OrderList {
  readonly #limit: number
  readonly #orders = new Map<string, Order>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get = (orderId: string): Order | undefined => this.#orders.get(orderId)

  newestFirst = (): Order[] =>
    [...this.#orders.values()].sort((a, b) => (ageOf(a) < ageOf(b) ? 1 : -1))

  /** Says whether it was news. */
  take(order: Order): boolean {
    if (!isNews(order, this.#orders.get(order.order_id))) return false
    this.#orders.set(order.order_id, order)
    for (const { order_id } of this.newestFirst().slice(this.#limit)) this.#orders.delete(order_id)
    return true
  }
}

const ageOf = ({ created_at, order_id }: Order) => `${created_at} ${order_id}`
