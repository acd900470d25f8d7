import type { Transaction } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { type Caller, findAddresses } from './cli/addresses.ts'
import { findServices, ping } from './reconcile/rows.ts'

/** The databases of both services. Only the operator opens both. */
export interface Databases {
  orders: Database<OrdersDatabase>
  payments: Database<PaymentsDatabase>
}

/** A read-only snapshot of each database. */
export interface Snapshots {
  orders: Transaction<OrdersDatabase>
  payments: Transaction<PaymentsDatabase>
}

/** Some statements read a million rows. */
const statementTimeoutMs = 120_000

/**
 * Opens both databases for `work`, and closes them. Rejects with `unavailable` when a database
 * cannot be reached, and with an Error when one is not the database of its service. The message
 * names it.
 */
export async function withDatabases<T>(
  caller: Caller,
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const urls = findAddresses(caller, 'amqp', 'ordersDatabase', 'paymentsDatabase')
  const open = <Tables>(url: string) =>
    connectDatabase<Tables>({ name: 'operator', url, poolSize: 3, statementTimeoutMs })
  const orders = open<OrdersDatabase>(urls.ordersDatabase)
  const payments = open<PaymentsDatabase>(urls.paymentsDatabase)
  try {
    await assertService('Orders', orders)
    await assertService('Payments', payments)
    return await work({ orders, payments })
  } finally {
    await Promise.all([orders.close(), payments.close()])
  }
}

async function assertService<Tables>(
  service: 'Orders' | 'Payments',
  db: Database<Tables>,
): Promise<void> {
  const found = await findServices(db).catch((error: Error) => {
    const cause = error.cause ?? error
    throw new EnvironmentError('unavailable', `The database of ${service} cannot be reached`, {
      cause,
    })
  })
  if (found.includes(service)) return
  const [other] = found
  throw new Error(
    other
      ? `The database of ${service} has the tables of ${other}: are ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL swapped?`
      : `The database of ${service} has no tables: migrations have not run in it`,
  )
}

/**
 * Runs `read` on a snapshot of each database. The snapshot of Orders is the older one. An order is
 * written before its debit, and a debit before the final status: so an order that is final in the
 * snapshot of Orders has its debit in the snapshot of Payments.
 */
export const onSnapshots = <T>(
  { orders, payments }: Databases,
  read: (snapshots: Snapshots) => Promise<T>,
): Promise<T> =>
  readOnly(orders, (ofOrders) =>
    readOnly(payments, (ofPayments) => read({ orders: ofOrders, payments: ofPayments })),
  )

const readOnly = <Tables, T>(
  db: Database<Tables>,
  read: (trx: Transaction<Tables>) => Promise<T>,
): Promise<T> =>
  db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      await ping(trx) // a snapshot begins with the first statement
      return read(trx)
    })
