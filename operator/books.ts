import type { Transaction } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { AppError } from '#chassis/errors.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { findAddresses } from './addresses.ts'
import { ping } from './book-rows.ts'

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

/** Opens both books for `work`, and closes them. Rejects with `unavailable` naming the one that is away. */
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
    await reach('of Orders', () => ping(orders))
    await reach('of Payments', () => ping(payments))
    return await work({ orders, payments })
  } finally {
    await Promise.all([orders.close(), payments.close()])
  }
}

async function reach(whose: string, ping: () => Promise<unknown>): Promise<void> {
  try {
    await ping()
  } catch (error) {
    const cause = (error as Error).cause ?? error
    throw new AppError('unavailable', `The database ${whose} cannot be reached`, { cause })
  }
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
