import { randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'

/** Every order of the benchmark costs this much. */
export const amount = '1.25'

/** PaymentRequested events as orders-api writes them; the users take turns. */
export function paymentRequests(count: number, users: number) {
  const time = new Date()
  return Array.from({ length: count }, (_, index) =>
    createEvent(
      {
        type: 'PaymentRequested',
        data: { order_id: randomUUIDv7(), user_id: userId(index % users), amount },
      },
      { id: randomUUIDv7(), time },
    ),
  )
}

/** What SQL calls `'user-' || index`. */
export const userId = (index: number): string => `user-${index}`

/** No UUIDv7 that is made from now on is less. */
export function leastIdNow(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}
