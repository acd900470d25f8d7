/**
 * How orders-consumer tells every orders-api that orders have changed: a NOTIFY with their ids.
 * A hint, never a fact: whoever hears it reads the orders.
 */
export const orderStatusChannel = 'order_status'

/** The ids as payloads of `maxBytes` at most, as few as possible. */
export function statusPayloads(orderIds: readonly string[], maxBytes: number): string[] {
  const perPayload = Math.floor((maxBytes + 1) / 37) // 36 characters and a comma
  const payloads: string[] = []
  for (let start = 0; start < orderIds.length; start += perPayload) {
    payloads.push(orderIds.slice(start, start + perPayload).join(','))
  }
  return payloads
}

const id = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The ids in a payload; whatever else is in it (anyone may NOTIFY) is left out. */
export const orderIdsIn = (payload: string): string[] =>
  payload.split(',').filter((part) => id.test(part))
