/** @import { RestIsFinal } from '#contracts/order-states.ts' */
/** @import { Order } from './api.js' */
import { isFinal } from './status.js'

/** No order changes after its end. */
const endStays = /** @satisfies {RestIsFinal} */ (true)

/**
 * The latest orders of a user. What is read and what is pushed cross on the way, so an order that has
 * become final stays so, whatever arrives later.
 * @param {number} limit
 */
export function createOrderList(limit) {
  /** @type {Map<string, Order>} */
  const orders = new Map()

  const newestFirst = () => [...orders.values()].sort((a, b) => (age(a) < age(b) ? 1 : -1))

  return {
    newestFirst,

    /** Says whether it was news. @param {Order} order */
    take(order) {
      const known = orders.get(order.order_id)
      const isOver = known !== undefined && endStays && isFinal(known)
      if (isOver || order.status === known?.status) return false
      orders.set(order.order_id, order)
      for (const { order_id } of newestFirst().slice(limit)) orders.delete(order_id)
      return true
    },
  }
}

/** @param {Order} order */
const age = ({ created_at, order_id }) => `${created_at} ${order_id}`
