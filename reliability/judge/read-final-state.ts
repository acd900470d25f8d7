import { sql } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import type { RequestType } from '#contracts/event-types.ts'
import { type OrdersDatabase, pendingList } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import type { FinalState, LedgerRow, OrderRow } from './final-state.ts'

export interface Databases {
  orders: Database<OrdersDatabase>
  payments: Database<PaymentsDatabase>
}

/** What both databases hold. What is in the broker, whoever asks must say. */
export async function readFinalState(
  { orders, payments }: Databases,
  inBroker: Pick<FinalState, 'owed' | 'deadLetters'>,
): Promise<FinalState> {
  const [orderRows, accounts, ledger, keys, owed] = await Promise.all([
    sql<OrderRow>`
      SELECT order_id, user_id, amount, status, failure_reason,
             greatest(request_attempts, requests.n)::int AS request_attempts
      FROM orders LEFT JOIN (
        SELECT (payload_json ->> 'subject')::uuid AS order_id, count(*) AS n FROM outbox
        WHERE event_type = ${'PaymentRequested' satisfies RequestType} GROUP BY 1
      ) AS requests USING (order_id)
    `.execute(orders),
    sql<FinalState['accounts'][number]>`SELECT user_id, balance FROM accounts`.execute(payments),
    sql<LedgerRow>`
      SELECT tx_id, order_id, user_id, type, amount, status, reason, created_at FROM ledger
    `.execute(payments),
    Promise.all([rememberedAnswers(orders), rememberedAnswers(payments)]),
    owedEvents({ orders, payments }),
  ])
  return {
    orders: orderRows.rows,
    accounts: accounts.rows,
    ledger: ledger.rows,
    keys: keys.flat(),
    owed: { ...owed, ...inBroker.owed },
    deadLetters: inBroker.deadLetters,
  }
}

/** How many events each outbox still owes, and how many wait for a lock. */
export async function owedEvents({ orders, payments }: Databases): Promise<FinalState['owed']> {
  const count = async (db: Database<OrdersDatabase> | Database<PaymentsDatabase>) => {
    const { rows } = await sql<{ outbox: number; deferred: number }>`
      SELECT (SELECT count(*)::int FROM outbox WHERE published_at IS NULL) AS outbox,
             (SELECT count(*)::int FROM deferred_events) AS deferred`.execute(db)
    return rows[0] ?? { outbox: 0, deferred: 0 }
  }
  const [ofOrders, ofPayments] = [await count(orders), await count(payments)]
  return {
    'outbox of orders': ofOrders.outbox,
    'outbox of payments': ofPayments.outbox,
    'deferred by orders': ofOrders.deferred,
    'deferred by payments': ofPayments.deferred,
  }
}

/** Orders that are not final. */
export async function pendingOrders({ orders }: Databases): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM orders WHERE status IN (${sql.raw(pendingList)})`.execute(orders)
  return rows[0]?.n ?? 0
}

async function rememberedAnswers(db: Database<OrdersDatabase> | Database<PaymentsDatabase>) {
  const { rows } = await sql<FinalState['keys'][number]>`
    SELECT user_id, key, response_body AS body FROM idempotency_keys`.execute(db)
  return rows
}
