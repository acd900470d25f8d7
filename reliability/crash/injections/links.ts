import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { queues } from '#contracts/topology.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import type { System } from '../system.ts'

/** The connection that hears of orders ends, while somebody watches. */
export async function cutListener({ orders }: System): Promise<void> {
  await orders.endConnections('orders-api listen')
}

/** For a moment, or as long as `meanwhile`, messages of these routes reach no queue. */
export async function unbind(
  { broker }: System,
  unbound: { exchange: string; routingKey: string }[],
  meanwhile: () => Promise<unknown> = () => delay(200),
): Promise<void> {
  const channel = broker.channel()
  const bindings = Object.values(queues).flatMap(({ queue, exchange, routingKeys }) =>
    unbound.flatMap(({ routingKey }) =>
      routingKeys.some((key) => key === routingKey) ? [[queue, exchange, routingKey] as const] : [],
    ),
  )
  for (const binding of bindings) await channel.unbindQueue(...binding)
  try {
    await meanwhile()
  } finally {
    for (const binding of bindings) await channel.bindQueue(...binding)
  }
}

/** As after an event that somebody else has put into the outbox. */
export async function notifyRelay(
  { orders, payments }: System,
  process: ProcessName,
): Promise<void> {
  const { db } = process === 'orders-relay' ? orders : payments
  await sql`SELECT pg_notify('outbox', '')`.execute(db)
}

/** As from a consumer that has settled an order which was settled already. */
export async function notifyStatus({ orders, load }: System): Promise<void> {
  const orderId = load.orderIds.at(-1)
  if (orderId) await sql`SELECT pg_notify('order_status', ${orderId})`.execute(orders.db)
}
