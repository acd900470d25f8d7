import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { queues, routes } from '#contracts/topology.ts'
import type { ProcessName } from '#local/ports.ts'
import type { System } from '../system.ts'

/** The connection that hears of orders ends, while somebody watches. */
export async function cutListener({ orders }: System): Promise<void> {
  await orders.endConnections('orders-api listen')
}

/** For a moment, or as long as `meanwhile`, there is no way from the exchange to the queue. */
export async function unbind(
  { broker }: System,
  process: ProcessName,
  meanwhile: () => Promise<unknown> = () => delay(200),
): Promise<void> {
  const { queue, exchange } =
    process === 'orders-relay' ? queues.paymentsConsumer : queues.ordersConsumer
  const keys = Object.values(routes).flatMap((route) =>
    route.exchange === exchange ? [route.routingKey] : [],
  )
  const channel = broker.channel()
  for (const key of keys) await channel.unbindQueue(queue, exchange, key)
  await meanwhile()
  for (const key of keys) await channel.bindQueue(queue, exchange, key)
}

/** As after an event that somebody else has put into the outbox. */
export async function wakeRelay({ orders, payments }: System, process: ProcessName): Promise<void> {
  const { db } = process === 'orders-relay' ? orders : payments
  await sql`SELECT pg_notify('outbox', '')`.execute(db)
}

/** As from a consumer that has settled an order which was settled already. */
export async function notifyStatus({ orders, load }: System): Promise<void> {
  const orderId = load.orderIds.at(-1)
  if (orderId) await sql`SELECT pg_notify('order_status', ${orderId})`.execute(orders.db)
}
