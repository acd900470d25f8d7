import { sql } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import type { Principal } from '#principal/principal.ts'
import { ownedBy } from '#principal/rows.ts'
import { changedList, type OrdersDatabase } from '#tables/orders.ts'
import { type OrderRow, orderColumns } from '../rows.ts'

type Db = Database<OrdersDatabase>

/** The present state of some orders. */
export const readOrders = (principal: Principal, db: Db, orderIds: string[]): Promise<OrderRow[]> =>
  db
    .selectFrom('orders')
    .select(orderColumns)
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .where(ownedBy(principal))
    .modifyEnd(sql`/* readOrders */`)
    .execute()

/** The orders of some users whose status changed within the last so many milliseconds. */
export const readChangedOrders = (
  principal: Principal,
  db: Db,
  userIds: string[],
  lastMs: number,
): Promise<OrderRow[]> =>
  db
    .selectFrom('orders')
    .select(orderColumns)
    .where(({ eb, fn, val }) => eb('user_id', '=', fn.any(val(userIds))))
    .where(ownedBy(principal))
    .where(sql<boolean>`status IN (${sql.raw(changedList)})`)
    .where('updated_at', '>=', sql<Date>`now() - ${lastMs}::int * interval '1 millisecond'`)
    .modifyEnd(sql`/* readChangedOrders */`)
    .execute()

/** The traces that orders belong to, by the events of their last requests. */
export const readTraceparents = async (db: Db, orderIds: string[]) => {
  const { rows } = await sql<{ order_id: string; traceparent: string }>`
    /* readTraceparents */
    SELECT order_id, payload_json->>'traceparent' AS traceparent
    FROM orders JOIN outbox ON event_id = request_id
    WHERE order_id = ANY (${orderIds}::uuid[]) AND payload_json ? 'traceparent'
  `.execute(db)
  return new Map(rows.map(({ order_id, traceparent }) => [order_id, traceparent]))
}

/** The clock that times orders. */
export const readTime = async (db: Db): Promise<Date> => {
  const { rows } = await sql<{ now: Date }>`
    /* readTime */
    SELECT clock_timestamp() AS now
  `.execute(db)
  return rows[0]?.now ?? new Date(0)
}
