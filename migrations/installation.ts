import { randomUUID } from 'node:crypto'
import { connectDatabase } from '#chassis/database/connect.ts'
import { nameInstallation } from '#messaging/installation.ts'
import { readInstallation } from '#messaging/installation-rows.ts'

/**
 * Gives both databases the id of one installation, the one that either has already. Throws when
 * they belong to two. Run by several at once, or cut short and run again, it comes to the same.
 */
export async function identifyInstallation(urls: {
  orders: string
  payments: string
}): Promise<void> {
  const orders = connectDatabase({ name: 'migrations', url: urls.orders, poolSize: 1 })
  const payments = connectDatabase({ name: 'migrations', url: urls.payments, poolSize: 1 })
  try {
    const known = await readInstallation(payments)
    const id = await nameInstallation(orders, { id: known?.id ?? randomUUID(), service: 'orders' })
    const other = await nameInstallation(payments, { id, service: 'payments' })
    if (other !== id) throw new Error(differing(id, other))
  } finally {
    await Promise.all([orders.close(), payments.close()])
  }
}

const differing = (orders: string, payments: string) =>
  `ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL name databases of two installations (${orders} and ${payments}): both must be of the same one`
