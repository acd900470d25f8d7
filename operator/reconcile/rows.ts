import { type Kysely, sql } from 'kysely'
import type { OrderLedgerType } from '#contracts/ledger-types.ts'
import { type OrderColumns, type OrdersDatabase, pendingList, restingList } from '#tables/orders.ts'
import type { LedgerColumns, PaymentsDatabase } from '#tables/payments.ts'
import { rowsOf } from '../rows-of.ts'
import { bucketOf, ofOrder } from './checksum-rows.ts'

type Orders = Kysely<OrdersDatabase>
type Payments = Kysely<PaymentsDatabase>

const pending = sql.raw(pendingList)
const resting = sql.raw(restingList)

export const ping = <Tables>(db: Kysely<Tables>) => sql`SELECT`.execute(db)

/** Whose tables a database has: those of one service, unless it is the wrong one, or empty. */
export const findServices = async <Tables>(db: Kysely<Tables>) => {
  const rows = await rowsOf<{ service: 'Orders' | 'Payments' }, Tables>(
    db,
    sql`
      SELECT service FROM (VALUES ('Orders', 'orders'), ('Payments', 'ledger')) AS known (service, name)
      WHERE to_regclass(name) IS NOT NULL`,
  )
  return rows.map(({ service }) => service)
}

export interface OrderFacts extends OrderColumns<'order_id' | 'user_id' | 'amount' | 'status'> {
  reason: OrderColumns<'failure_reason'>['failure_reason']
}

export interface PendingOrder extends OrderFacts, OrderColumns<'request_id' | 'request_attempts'> {
  age_ms: number
}

export interface EntryFacts extends LedgerColumns<'user_id' | 'amount' | 'status' | 'reason'> {
  order_id: string
  type: OrderLedgerType
}

/** By the index of pending orders, the oldest first. */
export const findPendingOrders = (db: Orders) =>
  rowsOf<PendingOrder, OrdersDatabase>(
    db,
    sql`
      SELECT order_id, user_id, amount, status, failure_reason AS reason, request_id, request_attempts,
             (extract(epoch FROM clock_timestamp() - coalesce(refund_accepted_at, created_at)) * 1000)::float8
               AS age_ms
      FROM orders
      WHERE status IN (${pending})
      ORDER BY created_at`,
  )

/** Some rows of some buckets: in the order of their orders, those after one of them. */
export interface Page {
  buckets: number[]
  /** Undefined: from the first on. */
  after: string | undefined
  /** At least so many, unless there are no more; all rows of an order are on the same page. */
  size: number
}

const onPage = ({ buckets, after }: Page) => sql`
  ${bucketOf('order_id')} = ANY (${buckets}::int[])
  ${after === undefined ? sql`` : sql`AND order_id > ${after}::uuid`}`

/** The final orders of a page. */
export const findOrdersOn = (db: Orders, page: Page) =>
  rowsOf<OrderFacts, OrdersDatabase>(
    db,
    sql`
      SELECT order_id, user_id, amount, status, failure_reason AS reason
      FROM orders
      WHERE status IN (${resting}) AND ${onPage(page)}
      ORDER BY order_id FETCH FIRST (${page.size}::bigint) ROWS WITH TIES`,
  )

export const findEntriesOn = (db: Payments, page: Page) =>
  rowsOf<EntryFacts, PaymentsDatabase>(
    db,
    sql`
      SELECT order_id, type, user_id, amount, status, reason
      FROM ledger
      WHERE type IN (${ofOrder}) AND ${onPage(page)}
      ORDER BY order_id FETCH FIRST (${page.size}::bigint) ROWS WITH TIES`,
  )

export const findOrders = (db: Orders, orderIds: string[]) =>
  rowsOf<OrderFacts, OrdersDatabase>(
    db,
    sql`
      SELECT order_id, user_id, amount, status, failure_reason AS reason
      FROM orders WHERE order_id = ANY (${orderIds}::uuid[])`,
  )

export const findEntries = (db: Payments, orderIds: string[]) =>
  rowsOf<EntryFacts, PaymentsDatabase>(
    db,
    sql`
      SELECT order_id, type, user_id, amount, status, reason
      FROM ledger WHERE type IN (${ofOrder}) AND order_id = ANY (${orderIds}::uuid[])`,
  )
