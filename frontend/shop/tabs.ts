import type { Order } from '#contracts/orders-http.ts'

/**
 * Tells the other tabs of this browser what was ordered in this one, and hears it from them: the
 * stream tells of an order when it ends, which is later when something is away.
 */
export function shareWithTabs(onOrder: (order: Order) => void): (order: Order) => void {
  const channel = new BroadcastChannel('orders-payments.placed')
  channel.onmessage = ({ data }) => onOrder(data)
  return (order) => channel.postMessage(order)
}
