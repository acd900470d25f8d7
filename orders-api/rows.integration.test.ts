import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { pendingStatuses } from '#contracts/order-states.ts'
import { Principal } from '#principal/principal.ts'
import { useDatabase } from '#testing/database.ts'
import { readChangedOrders } from './push/rows.ts'
import { listOrders, type OrderRow } from './rows.ts'

describe('the orders of a user who has many', function () {
  this.timeout(60_000)
  const database = useDatabase('orders')
  const everybody = Principal.unrestricted
  type Db = Parameters<typeof readChangedOrders>[1]

  before(async () => {
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, status, created_at, updated_at)
      SELECT uuidv7(), CASE n % 2 WHEN 0 THEN 'many' ELSE 'others' END, 1,
             CASE WHEN n % 2 = 1 OR n > 19990 THEN 'PAYMENT_PENDING' ELSE 'PAID' END,
             now() - n * interval '1 second',
             CASE WHEN n <= 10 THEN now() ELSE now() - interval '1 day' END
      FROM generate_series(1, 20000) AS n`)
  })

  /**
   * The plan that a statement has at last is the generic one: so each runs some times. Analyzed or
   * not, and whatever the planner believes of the parameters.
   */
  const readsOnly = (name: string, most: number, read: (db: Db) => Promise<OrderRow[]>) =>
    it(`reads ${name} without the others`, async () => {
      for (const prepare of [sql`SELECT`, sql`ANALYZE orders`]) {
        await database.rows(prepare)
        await database.db.transaction().execute(async (trx) => {
          const fetched = async () => {
            const { rows } = await sql<{ read: number }>`
              SELECT (seq_tup_read + idx_tup_fetch)::int AS read
              FROM pg_stat_xact_user_tables WHERE relname = 'orders'`.execute(trx)
            return rows[0]?.read ?? 0
          }
          for (let time = 0; time < 8; time++) {
            const before = await fetched()
            const orders = await read(trx)
            assert.equal(orders.length, 5)
            const ofRead = (await fetched()) - before
            assert.ok(ofRead <= most, `${ofRead} rows read, time ${time}`)
          }
        })
      }
    })

  readsOnly('a page', 5, (db) =>
    listOrders(everybody, db, { userId: 'many', statuses: undefined, after: undefined, limit: 5 }),
  )
  readsOnly('those that are pending', 5, (db) =>
    listOrders(everybody, db, {
      ...{ userId: 'many', statuses: pendingStatuses, after: undefined, limit: 1_000 },
    }),
  )
  readsOnly('those that have changed lately', 5, (db) =>
    readChangedOrders(everybody, db, ['many', 'nobody'], 3_600_000),
  )
})
