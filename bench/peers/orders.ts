import { randomUUIDv7 } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import pg from 'pg'
import { pendingList } from '#tables/orders.ts'

/** What an order is to a peer: each effect is one prepared statement, and so one transaction. */

export interface PeerOrder {
  order_id: string
  user_id: string
  amount: string
}

export interface Decision {
  status: string
  reason: string | null
}

/** Twice as many connections as the default: fewer are slower, more are no faster. */
export const poolSize = 20

export function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: poolSize, idleTimeoutMillis: 0 })
  pool.on('error', () => {}) // the server was stopped first
  return pool
}

/** What its workflow has settled already stays as it is. */
export async function insertOrder(orders: pg.Pool, order: PeerOrder): Promise<void> {
  await orders.query({
    name: 'insert',
    text: `INSERT INTO orders (order_id, user_id, amount) VALUES ($1, $2, $3)
           ON CONFLICT (order_id) DO NOTHING`,
    values: [order.order_id, order.user_id, order.amount],
  })
}

/**
 * Takes the money, or records why not. Called again it repeats its decision: a second ledger entry
 * violates a unique key, and takes the second change of the balance back with it.
 */
export async function charge(payments: pg.Pool, order: PeerOrder): Promise<Decision> {
  const values = [randomUUIDv7(), order.order_id, order.user_id, order.amount]
  try {
    const { rows } = await payments.query({ name: 'charge', text: chargeText, values })
    return rows[0]
  } catch (error) {
    if ((error as pg.DatabaseError).code !== '23505') throw error
    const { rows } = await payments.query({
      name: 'decision',
      text: `SELECT ${decision} FROM ledger WHERE order_id = $1 AND type = 'DEBIT'`,
      values: [order.order_id],
    })
    return rows[0]
  }
}

const decision = `CASE status WHEN 'SUCCESS' THEN 'PAID' ELSE 'PAYMENT_FAILED' END AS status, reason`

const chargeText = `
  WITH charged AS (
    UPDATE accounts SET balance = balance - $4, version = version + 1,
      updated_at = clock_timestamp()
    WHERE user_id = $3 AND balance >= $4 RETURNING user_id)
  INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status, reason)
  SELECT $1, $2, $3, 'DEBIT', $4,
         CASE WHEN charged.user_id IS NULL THEN 'FAILED' ELSE 'SUCCESS' END,
         CASE WHEN charged.user_id IS NULL THEN
           CASE WHEN EXISTS (SELECT FROM accounts WHERE user_id = $3) THEN 'INSUFFICIENT_FUNDS'
                ELSE 'ACCOUNT_NOT_FOUND' END END
  FROM (SELECT) AS one LEFT JOIN charged ON true
  RETURNING ${decision}`

/** Inserts the order, should whoever accepted it have died before. */
export async function settle(orders: pg.Pool, order: PeerOrder, { status, reason }: Decision) {
  await orders.query({
    name: 'settle',
    text: `INSERT INTO orders (order_id, user_id, amount, status, failure_reason)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (order_id) DO UPDATE
           SET status = excluded.status, failure_reason = excluded.failure_reason,
               updated_at = clock_timestamp()
           WHERE orders.status IN (${pendingList})`,
    values: [order.order_id, order.user_id, order.amount, status, reason],
  })
}

/** `POST /orders` on the barest server there is; 201 when `accept` has resolved. */
export function serveOrders(accept: (order: PeerOrder) => Promise<void>): void {
  const server = createServer(async (request, response) => {
    const { user_id, amount } = (await json(request)) as Omit<PeerOrder, 'order_id'>
    const order = { order_id: randomUUIDv7(), user_id, amount }
    await accept(order)
    const body = JSON.stringify(order)
    response.writeHead(201, {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    })
    response.end(body)
  })
  server.keepAliveTimeout = 75_000
  server.listen(Number(process.env.PORT), '127.0.0.1')
}

/** A variable that the harness sets. */
export function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: this is a part of npm run bench`)
  return value
}
