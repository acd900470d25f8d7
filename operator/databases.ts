import type { Transaction } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { findAddresses } from './cli/addresses.ts'
import { findServices, ping } from './reconcile/rows.ts'

/** Both databases: nobody but an operator sees more than one. */
export interface Books {
  orders: Database<OrdersDatabase>
  payments: Database<PaymentsDatabase>
}

/** Both as they were at one moment each; nothing can be changed. */
export interface Snapshots {
  orders: Transaction<OrdersDatabase>
  payments: Transaction<PaymentsDatabase>
}

/** An operator may read a million rows at a time. */
const statementTimeoutMs = 120_000

/**
 * Opens both books for `work`, and closes them. Rejects with `unavailable` naming the one that is away, and
 * with a sentence when one of them is not the database of its service.
 */
export async function withBooks<T>(
  env: NodeJS.ProcessEnv,
  work: (books: Books) => Promise<T>,
): Promise<T> {
  const urls = findAddresses(env, 'amqp', 'ordersDatabase', 'paymentsDatabase')
  const open = <Tables>(url: string) =>
    connectDatabase<Tables>({ name: 'operator', url, poolSize: 3, statementTimeoutMs })
  const orders = open<OrdersDatabase>(urls.ordersDatabase)
  const payments = open<PaymentsDatabase>(urls.paymentsDatabase)
  try {
    await reach('Orders', orders)
    await reach('Payments', payments)
    return await work({ orders, payments })
  } finally {
    await Promise.all([orders.close(), payments.close()])
  }
}

async function reach<Tables>(service: 'Orders' | 'Payments', db: Database<Tables>): Promise<void> {
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
 * Runs `read` on a snapshot of each. The one of Orders is the older: an order is written before its
 * debit, and a debit before the final status, so what is final in it has its debit in the other.
 */
export const onSnapshots = <T>(
  { orders, payments }: Books,
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
