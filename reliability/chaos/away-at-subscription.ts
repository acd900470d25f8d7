import { pause } from '#local/supervisor/waiting.ts'
import type { Proxy as FaultProxy } from '#testing/proxy.ts'
import { type Field, inTurn } from './field.ts'
import { newestOrders } from './rows.ts'
import type { Away, Fault } from './schedule.ts'

/** Orders that are followed one by one, beside the users. */
const ordersFollowed = 5

/** While the database of Orders is away somebody subscribes; says how many were let in. */
export async function subscribeWhileAway(
  { away, userIds, forMs }: Extract<Fault, { kind: 'database away at subscription' }>,
  field: Field,
): Promise<number> {
  const orderIds = await newestOrders(field.system.databases.orders, ordersFollowed)
  const targets = [
    ...userIds.map((userId) => ({ userId })),
    ...orderIds.map((orderId) => ({ orderId })),
  ]
  return whileAway[away](field, async () => {
    const opened = await field.subscribers.open(targets)
    await pause(forMs, field.signal)
    return opened.length
  })
}

const whileAway: Record<Away, (field: Field, work: () => Promise<number>) => Promise<number>> = {
  killed: ({ system: { postgres }, signal }, work) =>
    inTurn(postgres, signal, async () => {
      await postgres.kill()
      try {
        return await work()
      } finally {
        await postgres.restart()
      }
    }),
  cut: async ({ system }, work) => {
    const over = new AbortController()
    const cutting = keepCutting(system.links['orders database'], over.signal)
    try {
      return await work()
    } finally {
      over.abort()
      await cutting
    }
  },
  silent: async ({ system }, work) => {
    const restore = system.links['orders database'].disturb({ silent: ['up', 'down'] })
    try {
      return await work()
    } finally {
      restore()
    }
  },
}

/** Whatever is there, and whatever comes. */
async function keepCutting(link: FaultProxy, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    link.cut()
    await pause(5, signal)
  }
}
