import { Client } from '#client/client.ts'
import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'
import { now, sleepUntil } from './clock.ts'
import type { TimedOrder } from './load-orders.ts'
import { answerRounds } from './processes.ts'
import { amount, userId } from './requests.ts'

/** One order each so many milliseconds, by the client that anybody would use. */
export interface SingleOrders {
  gateway: string
  count: number
  users: number
  everyMs: number
}

const drainMs = 30_000

answerRounds(async ({ gateway, count, users, everyMs }: SingleOrders): Promise<TimedOrder[]> => {
  const client = new Client({ gateway })
  const ends = new Map<string, PromiseWithResolvers<number>>()
  const live = Promise.withResolvers<void>()
  const following = client.follow({
    onOrder: (order) => noteEnd(ends, order),
    onState: (state) => state === 'live' && live.resolve(),
  })
  await live.promise
  const place = async (number: number): Promise<TimedOrder> => {
    const sentAt = now()
    const { order_id: id } = await client.placeOrder(userId(number % users), amount)
    const answeredAt = now()
    const end = Promise.withResolvers<number>()
    ends.set(id, end)
    following.order(id)
    return { id, sentAt, answeredAt, finalAt: await end.promise }
  }
  const startedAt = now()
  const placing: Promise<TimedOrder>[] = []
  for (let number = 0; number < count; number++) {
    await sleepUntil(startedAt + number * everyMs)
    placing.push(place(number))
  }
  giveUpAfter(drainMs, ends)
  const orders = await Promise.all(placing)
  following.close()
  return orders
})

function noteEnd(ends: Map<string, PromiseWithResolvers<number>>, order: Order): void {
  const { order_id, status } = order
  if (isPending(status)) return
  if (status !== 'PAID') throw new Error(`order ${order_id} ended as ${status}`)
  const end = ends.get(order_id)
  if (!end) throw new Error(`order ${order_id} was told twice`)
  ends.delete(order_id)
  end.resolve(now())
}

function giveUpAfter(ms: number, ends: Map<string, PromiseWithResolvers<number>>): void {
  AbortSignal.timeout(ms).addEventListener('abort', () => {
    for (const [id, { reject }] of ends) reject(new Error(`order ${id} is not final`))
  })
}
