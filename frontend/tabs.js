/** @import { Order } from './api.js' */

/**
 * Tells the other tabs of this browser what was ordered in this one, and hears it from them: the stream
 * tells of an order when it ends, which is later when something is away.
 * @param {(order: Order) => void} onOrder
 * @returns {(order: Order) => void}
 */
export function shareWithTabs(onOrder) {
  const channel = new BroadcastChannel('orders-payments.placed')
  channel.onmessage = ({ data }) => onOrder(data)
  return (order) => channel.postMessage(order)
}
