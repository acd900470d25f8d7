import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import type { OrderStatus } from '#contracts/order-states.ts'
import {
  changedList,
  type OrdersDatabase,
  paidList,
  pendingList,
  restingList,
} from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import type { End } from '../judge/judge-subscriptions.ts'

type Orders = Database<OrdersDatabase>
type Payments = Database<PaymentsDatabase>

const pending = sql.raw(pendingList)
const resting = sql.raw(restingList)

/** Ends all connections that hear notifications; says how many there were. */
export async function endListeners(db: Orders | Payments): Promise<number> {
  const { rows } = await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE '% listen'
  `.execute(db)
  return rows.length
}

/** Orders whose status changed in the last seconds. */
export async function settledLately(orders: Orders, seconds: number) {
  const { rows } = await sql<{ order_id: string; status: OrderStatus }>`
    SELECT order_id, status FROM orders
    WHERE status IN (${resting}) AND updated_at > now() - ${seconds} * interval '1 second'
  `.execute(orders)
  return rows
}

export interface OrderTimes {
  userId: string
  created: number
  updated: number
  asked: number
}

/** When each order began and its payment ended, in milliseconds since the epoch, oldest first. */
export async function readOrderTimes(orders: Orders): Promise<OrderTimes[]> {
  const { rows } = await sql<OrderTimes>`
    SELECT user_id AS "userId", (extract(epoch FROM created_at) * 1000)::float AS created,
           (extract(epoch FROM coalesce(settled_at, updated_at)) * 1000)::float AS updated,
           request_attempts AS asked
    FROM orders WHERE status IN (${sql.raw(changedList)}) ORDER BY created_at
  `.execute(orders)
  return rows
}

/** Some events that were published not long ago, as they went out. */
export async function publishedLately(db: Orders | Payments, limit: number) {
  const { rows } = await sql<{ event_id: string; event_type: string; payload: string }>`
    SELECT event_id, event_type, payload_json::text AS payload FROM outbox
    WHERE published_at > now() - interval '1 minute' ORDER BY random() LIMIT ${limit}
  `.execute(db as Orders)
  return rows
}

/** Orders that are final, each with what was decided. */
export async function someFinalOrder(orders: Orders) {
  const { rows } = await sql<{ order_id: string; user_id: string; amount: string; status: string }>`
    SELECT order_id, user_id, amount, status FROM orders
    WHERE status IN (${resting}) ORDER BY updated_at DESC LIMIT 1
  `.execute(orders)
  return rows[0]
}

/** Transactions that have been open and done nothing for longer than between two statements. */
export async function idleTransactions(db: Orders | Payments): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
      AND state_change < clock_timestamp() - interval '1 second'
  `.execute(db)
  return rows[0]?.n ?? 0
}

/** Orders placed, or refunds accepted, by then that have not ended. */
export async function pendingBefore(orders: Orders, epochMs: number): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*)::int AS n FROM orders
    WHERE status IN (${pending})
      AND coalesce(refund_accepted_at, created_at) < to_timestamp(${epochMs / 1_000}::float)
  `.execute(orders)
  return rows[0]?.n ?? 0
}

/** The inbox knows nothing any more, as when it was pruned; says how many events it had. */
export async function forgetAll(db: Orders | Payments): Promise<number> {
  const { numAffectedRows } = await sql`DELETE FROM inbox`.execute(db)
  return Number(numAffectedRows)
}

/** How many orders of a user are final, and how many of these are paid. */
export async function finalOrdersOf(orders: Orders, userId: string) {
  const { rows } = await sql<{ all: number; paid: number }>`
    SELECT count(*)::int AS all, (count(*) FILTER (WHERE status IN (${sql.raw(paidList)})))::int AS paid
    FROM orders WHERE user_id = ${userId} AND status IN (${resting})
  `.execute(orders)
  return rows[0] ?? { all: 0, paid: 0 }
}

/** Puts the outbox on another disk; back to where it was when there is no folder. */
export async function moveOutbox(
  db: Orders | Payments,
  dir: string | undefined,
  name: string,
): Promise<void> {
  if (dir !== undefined) {
    await sql`CREATE TABLESPACE ${sql.id(name)} LOCATION ${sql.lit(dir)}`.execute(db)
  }
  const target = dir === undefined ? 'pg_default' : name
  await (db as Orders).transaction().execute(async (trx) => {
    await sql`SET LOCAL lock_timeout = 0`.execute(trx)
    await sql`ALTER TABLE outbox SET TABLESPACE ${sql.id(target)}`.execute(trx)
  })
  if (dir === undefined) await sql`DROP TABLESPACE ${sql.id(name)}`.execute(db)
}

/** Takes all the room there is, in ever smaller pieces. */
export async function fillDisk(db: Orders | Payments, tablespace: string): Promise<void> {
  await sql`CREATE TABLE filler (bytes text) TABLESPACE ${sql.id(tablespace)}`.execute(db)
  await sql`ALTER TABLE filler ALTER bytes SET STORAGE PLAIN`.execute(db)
  for (let rows = 1_024; rows >= 1; ) {
    try {
      await sql`
        INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, ${rows}::int)
      `.execute(db)
    } catch {
      rows /= 2 // so much does not fit any more
    }
  }
}

export const freeDisk = (db: Orders | Payments) => sql`DROP TABLE filler`.execute(db)

/** A transaction that is meant to do nothing is not ended for it, and waits for what it locks. */
export const letItIdle = <Tables>(trx: Transaction<Tables>) =>
  sql`SELECT set_config('idle_in_transaction_session_timeout', '0', true),
             set_config('lock_timeout', '0', true)`.execute(trx)

/** As in psql; says how many accounts that were. */
export async function lockAccountOf(trx: Transaction<PaymentsDatabase>, userId: string) {
  const { rows } = await sql`
    SELECT FROM accounts WHERE user_id = ${userId} FOR UPDATE
  `.execute(trx)
  return rows.length
}

/** The newest order that waits for its answer, if there is one that nobody has in hand. */
export async function lockPendingOrder(trx: Transaction<OrdersDatabase>) {
  const { rows } = await sql`
    SELECT FROM orders WHERE status IN (${pending})
    ORDER BY created_at DESC LIMIT 1 FOR UPDATE SKIP LOCKED
  `.execute(trx)
  return rows.length
}

/** Whether a session of this name has locked rows of the table. */
export async function hasLocked(db: Orders | Payments, name: string, table: 'orders' | 'accounts') {
  const { rows } = await sql`
    SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE application_name = ${name} AND mode = 'RowShareLock' AND relation = ${table}::regclass
  `.execute(db)
  return rows.length > 0
}

/** How many attempts at events were counted that are neither handled nor dead letters yet. */
export async function countedAttempts(db: Orders | Payments): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM attempts`.execute(db)
  return rows[0]?.n ?? 0
}

/** The ids of the orders that were placed last. */
export async function newestOrders(orders: Orders, limit: number): Promise<string[]> {
  const { rows } = await sql<{ order_id: string }>`
    SELECT order_id FROM orders ORDER BY created_at DESC LIMIT ${limit}
  `.execute(orders)
  return rows.map(({ order_id }) => order_id)
}

/**
 * Orders whose payment was on its way in this time, and how long each was from its beginning on, or
 * is.
 */
export async function waitsOf(orders: Orders, fromMs: number, toMs: number) {
  const { rows } = await sql<{ userId: string; ms: number }>`
    WITH way AS (
      SELECT user_id, created_at, to_timestamp(${fromMs / 1_000}::float) AS begun,
             CASE WHEN settled_at IS NOT NULL THEN settled_at
                  WHEN status IN (${pending}) THEN clock_timestamp() ELSE updated_at END AS ended
      FROM orders
      WHERE created_at <= to_timestamp(${toMs / 1_000}::float))
    SELECT user_id AS "userId",
           (extract(epoch FROM ended - greatest(created_at, begun)) * 1000)::float AS ms
    FROM way WHERE ended >= begun
  `.execute(orders)
  return rows
}

/** Orders that have ended, all of them or those since then. */
export async function endsSince(orders: Orders, epochMs = 0): Promise<End[]> {
  const { rows } = await sql<End>`
    SELECT order_id AS "orderId", user_id AS "userId", status,
           (extract(epoch FROM updated_at) * 1000)::float AS "endedAtMs"
    FROM orders
    WHERE status IN (${resting}) AND updated_at >= to_timestamp(${epochMs / 1_000}::float)
  `.execute(orders)
  return rows
}
