import { type Kysely, sql } from 'kysely'
import { MAX_VERSION } from '#contracts/account-version.ts'
import { type OrderLedgerType, orderLedgerTypes } from '#contracts/ledger-types.ts'
import { fitsLedger, restingStatuses } from '#contracts/order-states.ts'
import {
  listOf,
  type OrderColumns,
  type OrdersDatabase,
  pendingList,
  restingList,
} from '#tables/orders.ts'
import { type LedgerColumns, type PaymentsDatabase, signedAmount } from '#tables/payments.ts'
import { rowsOf } from '../rows-of.ts'

type Orders = Kysely<OrdersDatabase>
type Payments = Kysely<PaymentsDatabase>

const pending = sql.raw(pendingList)
const resting = sql.raw(restingList)
const restingWith = (type: OrderLedgerType, entry: 'SUCCESS' | 'FAILED') =>
  sql.raw(listOf(restingStatuses.filter((status) => fitsLedger(status, type, entry))))
/**
 * Of the states at rest: those whose order was charged, was refunded, or may have been refused a
 * refund.
 */
const charged = restingWith('DEBIT', 'SUCCESS')
const refunded = restingWith('REFUND', 'SUCCESS')
const unrefunded = restingWith('REFUND', 'FAILED')
const ofOrder = sql.raw(orderLedgerTypes.map((type) => `'${type}'`).join(', '))

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

/** One number for a bucket of orders: equal buckets have equal sums. */
export interface BucketChecksum {
  bucket: number
  entries: number
  sum: string
}

/**
 * How many buckets the orders are divided into; rows are compared one by one only of buckets that
 * differ.
 */
export const buckets = 4_096
const bucketOf = (column: string) =>
  sql`(uuid_hash_extended(${sql.ref(column)}, 0) & ${buckets - 1})::int`

/** Tells a refund from a debit that is otherwise the same. */
const seedOf = (type: OrderLedgerType) => sql.lit(orderLedgerTypes.indexOf(type))
const seed = sql`CASE type ${sql.join(
  orderLedgerTypes.map((type) => sql`WHEN ${sql.lit(type)} THEN ${seedOf(type)}`),
  sql` `,
)} END`
const isRefundDecided = sql`(status IN (${refunded})
  OR (status IN (${unrefunded}) AND failure_reason IS NOT NULL))`

/**
 * Of the entries that all orders at rest must have in the ledger, in the same words as
 * `sumEntries`: each its debit, and its refund where that was decided.
 */
export const sumOrders = (db: Orders) =>
  rowsOf<BucketChecksum, OrdersDatabase>(
    db,
    sql`
      SELECT ${bucketOf('order_id')} AS bucket,
             (count(*) + count(*) FILTER (WHERE ${isRefundDecided}))::int AS entries,
             (sum(hash_record_extended(
                ROW(order_id, user_id::text, amount::numeric, status IN (${charged}),
                    CASE WHEN status IN (${charged}) THEN NULL ELSE failure_reason END), ${seedOf('DEBIT')}))
              + coalesce(sum(hash_record_extended(
                ROW(order_id, user_id::text, amount::numeric, status IN (${refunded}), failure_reason),
                ${seedOf('REFUND')})) FILTER (WHERE ${isRefundDecided}), 0))::text AS sum
      FROM orders
      WHERE status IN (${resting})
      GROUP BY bucket`,
  )

/** Of all entries about orders but those of some orders, which are still on their way. */
export const sumEntries = (db: Payments, exceptOrderIds: string[]) =>
  rowsOf<BucketChecksum, PaymentsDatabase>(
    db,
    sql`
      SELECT ${bucketOf('order_id')} AS bucket, count(*)::int AS entries,
             sum(hash_record_extended(
               ROW(order_id, user_id::text, amount::numeric, status = 'SUCCESS', reason), ${seed}))::text AS sum
      FROM ledger
      WHERE type IN (${ofOrder})
        AND NOT EXISTS (SELECT FROM unnest(${exceptOrderIds}::uuid[]) AS pending (id)
                        WHERE pending.id = ledger.order_id)
      GROUP BY bucket`,
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

export interface WrongAccount {
  user_id: string
  /** Null: there is no account. */
  balance: string | null
  version: number | null
  ledger_sum: string
  ledger_entries: number
}

/**
 * Accounts that are not what their ledger adds up to, and ledgers of success without an account.
 */
export const findWrongAccounts = (db: Payments) =>
  rowsOf<WrongAccount, PaymentsDatabase>(
    db,
    sql`
      WITH ledger_sums AS (
        SELECT user_id, sum(${sql.raw(signedAmount)}) AS total,
               (count(*) % ${MAX_VERSION + 1}::bigint)::int AS entries
        FROM ledger WHERE status = 'SUCCESS' GROUP BY user_id)
      SELECT user_id, balance, version, round(coalesce(total, 0), 2)::text AS ledger_sum,
             coalesce(entries, 0) AS ledger_entries
      FROM accounts FULL JOIN ledger_sums USING (user_id)
      WHERE balance IS DISTINCT FROM coalesce(total, 0)
         OR version IS DISTINCT FROM coalesce(entries, 0)
         OR balance = 'NaN' OR balance < 0`,
  )

export interface ImpossibleAmount {
  id: string
  amount: string
}

/** NaN counts as more than every number. */
export const findImpossibleAmounts = <Tables>(
  db: Kysely<Tables>,
  { table, id }: { table: 'orders' | 'ledger'; id: 'order_id' | 'tx_id' },
) =>
  rowsOf<ImpossibleAmount, Tables>(
    db,
    sql`
      SELECT ${sql.ref(id)}::text AS id, amount::text AS amount FROM ${sql.table(table)}
      WHERE NOT coalesce(amount > 0 AND amount <= 9999999999999999.99, false)`,
  )
