import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import type { OrderStatus } from '#contracts/order-states.ts'
import type { KeysetPosition } from '#http/cursor.ts'
import type { OwnUserId, Principal } from '#principal/principal.ts'
import { ownedBy } from '#principal/rows.ts'
import { listOf, type OrderColumns, type OrdersDatabase, type OrdersTable } from '#tables/orders.ts'

type Db = Database<OrdersDatabase> | Transaction<OrdersDatabase>

/** What `OrderRow` has. */
export const orderColumns = [
  'order_id',
  'user_id',
  'amount',
  'status',
  'failure_reason',
  'created_at',
  'updated_at',
] as const

export type OrderRow = OrderColumns<(typeof orderColumns)[number]>

/** In the transaction of their outbox rows, and in the order of their ids. Returns them by id. */
export const insertOrders = async (
  trx: Transaction<OrdersDatabase>,
  orders: (Pick<OrdersTable, 'order_id' | 'amount' | 'request_id'> & { user_id: OwnUserId })[],
): Promise<Map<string, OrderRow>> => {
  const sorted = orders.toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1))
  const { rows } = await sql<OrderRow>`
    /* insertOrders */
    INSERT INTO orders (order_id, user_id, amount, request_id)
    SELECT * FROM unnest(
      ${sorted.map(({ order_id }) => order_id)}::uuid[],
      ${sorted.map(({ user_id }) => user_id)}::text[],
      ${sorted.map(({ amount }) => amount)}::numeric[],
      ${sorted.map(({ request_id }) => request_id)}::uuid[])
    RETURNING ${sql.join(orderColumns.map((column) => sql.ref(column)))}
  `.execute(trx)
  return new Map(rows.map((row) => [row.order_id, row]))
}

export const findOrder = (
  principal: Principal,
  db: Db,
  orderId: string,
): Promise<OrderRow | undefined> =>
  db
    .selectFrom('orders')
    .select(orderColumns)
    .where('order_id', '=', orderId)
    .where(ownedBy(principal))
    .modifyEnd(sql`/* findOrder */`)
    .executeTakeFirst()

/** The order as it is, locked until commit. */
export const lockOrder = (
  principal: Principal,
  trx: Transaction<OrdersDatabase>,
  orderId: string,
): Promise<OrderRow | undefined> =>
  trx
    .selectFrom('orders')
    .select(orderColumns)
    .where('order_id', '=', orderId)
    .where(ownedBy(principal))
    .forNoKeyUpdate()
    .modifyEnd(sql`/* lockOrder */`)
    .executeTakeFirst()

/**
 * Of an order locked in the same transaction: it waits for its refund, and what is written of
 * requests is about the refund. `updated_at` grows, as in orders-consumer, and when the payment was
 * settled stays known.
 */
export const setRefundAccepted = async (
  principal: Principal,
  trx: Transaction<OrdersDatabase>,
  { orderId, status, requestId }: { orderId: string; status: OrderStatus; requestId: string },
): Promise<OrderRow> => {
  const { rows } = await sql<OrderRow>`
    /* setRefundAccepted */
    UPDATE orders
    SET status = ${status}, failure_reason = NULL, settled_at = coalesce(settled_at, updated_at),
        updated_at = change.at, refund_accepted_at = change.at,
        request_id = ${requestId}, request_attempts = 1, timeout_starts_at = now()
    FROM (SELECT greatest(clock_timestamp(), updated_at + interval '1 millisecond') AS at
          FROM orders WHERE order_id = ${orderId}) AS change
    WHERE order_id = ${orderId} AND ${ownedBy(principal)}
    RETURNING ${sql.join(orderColumns.map((column) => sql.ref(column)))}
  `.execute(trx)
  const [row] = rows
  if (!row) throw new Error(`Order ${orderId} is gone`)
  return row
}

export type TimelineRow = OrderColumns<
  | 'status'
  | 'created_at'
  | 'relayed_at'
  | 'received_at'
  | 'charged_at'
  | 'reply_relayed_at'
  | 'settled_at'
  | 'refund_accepted_at'
  | 'updated_at'
> & {
  /** When the last request was published; null if it was not, or if the outbox row is gone. */
  published_at: Date | null
}

/** The stored times of an order. */
export const findTimeline = (
  principal: Principal,
  db: Db,
  orderId: string,
): Promise<TimelineRow | undefined> =>
  db
    .selectFrom('orders')
    .leftJoin('outbox', 'outbox.event_id', 'orders.request_id')
    .select(['orders.status', 'orders.created_at', 'outbox.published_at', 'orders.relayed_at'])
    .select(['received_at', 'charged_at', 'reply_relayed_at', 'updated_at'])
    .select(['settled_at', 'refund_accepted_at'])
    .where('order_id', '=', orderId)
    .where(ownedBy(principal))
    .modifyEnd(sql`/* findTimeline */`)
    .executeTakeFirst()

/** A user's orders, newest first, those after a position. */
export const listOrders = (
  principal: Principal,
  db: Db,
  {
    userId,
    statuses,
    after,
    limit,
  }: {
    userId: string
    /** Undefined: all. */
    statuses: readonly OrderStatus[] | undefined
    after: KeysetPosition | undefined
    limit: number
  },
): Promise<OrderRow[]> =>
  db
    .selectFrom('orders')
    .select(orderColumns)
    .where('user_id', '=', userId)
    .where(ownedBy(principal))
    .$if(statuses !== undefined, (query) =>
      query.where(sql<boolean>`status IN (${sql.raw(listOf(statuses ?? []))})`),
    )
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) => {
        const { created_at, id } = after as KeysetPosition
        return eb(refTuple('created_at', 'order_id'), '<', tuple(created_at, id))
      }),
    )
    .orderBy('created_at', 'desc')
    .orderBy('order_id', 'desc')
    .limit(limit)
    .modifyEnd(sql`/* listOrders */`)
    .execute()

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingOrders = (db: Db) => sql`/* pingOrders */ SELECT FROM orders LIMIT 0`.execute(db)
