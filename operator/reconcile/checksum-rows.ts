import { type Kysely, sql } from 'kysely'
import { type OrderLedgerType, orderLedgerTypes } from '#contracts/ledger-types.ts'
import { fitsLedger, restingStatuses } from '#contracts/order-states.ts'
import { listOf, type OrdersDatabase, restingList } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { rowsOf } from '../rows-of.ts'

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
/** The types of the entries about orders. */
export const ofOrder = sql.raw(orderLedgerTypes.map((type) => `'${type}'`).join(', '))

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
export const bucketOf = (column: string) =>
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
export const sumOrders = (db: Kysely<OrdersDatabase>) =>
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
export const sumEntries = (db: Kysely<PaymentsDatabase>, exceptOrderIds: string[]) =>
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
