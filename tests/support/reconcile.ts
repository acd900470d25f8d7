import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
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
    SELECT (SELECT count(*) FROM orders WHERE status = 'PAYMENT_PENDING')::int
         + (SELECT count(*) FROM outbox WHERE published_at IS NULL)::int AS n`
  const unsent = sql<{ n: number }>`
    SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL`
  const [inOrders, inPayments] = [await pending.execute(orders), await unsent.execute(payments)]
  return (inOrders.rows[0]?.n ?? 0) + (inPayments.rows[0]?.n ?? 0)
}

/**
 * Every broken promise between the two databases, as sentences: a debit twice or without its order,
 * a final status that the ledger does not bear out, a balance that is not the sum of its ledger.
 */
export async function brokenPromises({ orders, payments }: Databases): Promise<string[]> {
  const { rows: allOrders } = await sql<OrderFacts>`
    SELECT order_id, user_id, amount, status FROM orders`.execute(orders)
  const { rows: debits } = await sql<DebitFacts>`
    SELECT order_id, user_id, amount, status FROM ledger WHERE type = 'DEBIT'`.execute(payments)
  const { rows: accounts } = await sql<{ user_id: string }>`
    SELECT user_id FROM accounts WHERE balance <> (
      SELECT coalesce(sum(CASE type WHEN 'TOPUP' THEN amount ELSE -amount END), 0)
      FROM ledger WHERE ledger.user_id = accounts.user_id AND status = 'SUCCESS')`.execute(payments)
  const byOrder = Map.groupBy(debits, ({ order_id }) => order_id)
  const known = new Set(allOrders.map(({ order_id }) => order_id))
  return [
    ...allOrders.flatMap((order) => faultOf(order, byOrder.get(order.order_id) ?? [])),
    ...debits.flatMap(({ order_id }) => (known.has(order_id) ? [] : [`no order ${order_id}`])),
    ...accounts.map(({ user_id }) => `the balance of ${user_id} is not the sum of its ledger`),
  ]
}

interface OrderFacts {
  order_id: string
  user_id: string
  amount: string
  status: string
}

type DebitFacts = OrderFacts

function faultOf(order: OrderFacts, debits: DebitFacts[]): string[] {
  const [debit, ...more] = debits
  if (more.length > 0) return [`order ${order.order_id} has ${debits.length} debits`]
  if (!debit) return [`order ${order.order_id} is ${order.status} without a decision`]
  const expected = debit.status === 'SUCCESS' ? 'PAID' : 'PAYMENT_FAILED'
  if (order.status !== expected) return [`order ${order.order_id} is not ${expected}`]
  const same = debit.amount === order.amount && debit.user_id === order.user_id
  return same ? [] : [`the debit of order ${order.order_id} is about something else`]
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
