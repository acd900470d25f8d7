import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import type { Addresses } from './stack.ts'

/** Opens both databases as an onlooker, and closes them afterwards. */
export async function withDatabases<T>(
  addresses: Pick<Addresses, 'orders_database_url' | 'payments_database_url'>,
  look: (databases: Databases) => Promise<T>,
): Promise<T> {
  const name = 'onlooker'
  const orders = connectDatabase<OrdersDatabase>({ name, url: addresses.orders_database_url })
  const payments = connectDatabase<PaymentsDatabase>({ name, url: addresses.payments_database_url })
  try {
    return await look({ orders, payments })
  } finally {
    await Promise.all([orders.close(), payments.close()])
  }
}

interface Databases {
  orders: ReturnType<typeof connectDatabase<OrdersDatabase>>
  payments: ReturnType<typeof connectDatabase<PaymentsDatabase>>
}

/** How many orders are not final, and how many events of either outbox are not published. */
export async function unfinished({ orders, payments }: Databases): Promise<number> {
  const pending = sql<{ n: number }>`
    SELECT (SELECT count(*) FROM orders WHERE status IN (${sql.raw(pendingList)}))::int
         + (SELECT count(*) FROM outbox WHERE published_at IS NULL)::int AS n`
  const unsent = sql<{ n: number }>`
    SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL`
  const [inOrders, inPayments] = [await pending.execute(orders), await unsent.execute(payments)]
  return (inOrders.rows[0]?.n ?? 0) + (inPayments.rows[0]?.n ?? 0)
}

/** How many messages are in the queues whose name ends so, ready or in somebody's hands. */
export async function messagesIn(management: string, suffix: string): Promise<number> {
  const { username, password, origin } = new URL(management)
  const answer = await fetch(`${origin}/api/queues`, {
    headers: { authorization: `Basic ${btoa(`${username}:${password}`)}` },
  })
  const queues = (await answer.json()) as { name: string; messages?: number }[]
  return queues
    .filter(({ name }) => name.endsWith(suffix))
    .reduce((sum, { messages }) => sum + (messages ?? 0), 0)
}
