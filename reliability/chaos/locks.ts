import type { Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { pause, until } from '#local/supervisor/waiting.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import type { Field } from './field.ts'
import { letItIdle, lockAccountOf, lockPendingOrder } from './rows.ts'
import type { Fault } from './schedule.ts'

/** Who holds the locks, in pg_stat_activity. */
export const locker = 'locker'

type Of<Kind> = Extract<Fault, { kind: Kind }>

/** As somebody does who has begun a transaction in psql and gone to lunch. */
export const lockAccount = ({ userId, forMs }: Of<'lock account'>, { system, signal }: Field) =>
  holdLock<PaymentsDatabase>(system.postgres.url('payments_db'), {
    take: (trx) => lockAccountOf(trx, userId),
    ...{ forMs, signal },
  })

/** An order that is just waiting for the answer of Payments. */
export const lockOrder = ({ forMs }: Of<'lock order'>, { system, signal }: Field) =>
  holdLock<OrdersDatabase>(system.postgres.url('orders_db'), {
    take: async (trx) => {
      let locked = 0
      const isTaken = async () => {
        locked = await lockPendingOrder(trx)
        return locked > 0
      }
      await until(isTaken, { timeoutMs: 5_000, everyMs: 2, signal })
      return locked
    },
    ...{ forMs, signal },
  })

interface Lock<Tables> {
  /** Says how many rows it has locked. */
  take: (trx: Transaction<Tables>) => Promise<number>
  forMs: number
  signal: AbortSignal
}

/** In a session of its own, which ends with the lock; it may also end with its server. */
async function holdLock<Tables>(url: string, { take, forMs, signal }: Lock<Tables>) {
  const db = connectDatabase<Tables>({ name: locker, url, poolSize: 1 })
  let locked = 0
  try {
    await db.transaction().execute(async (trx) => {
      await letItIdle(trx)
      locked = await take(trx)
      if (locked > 0) await pause(forMs, signal)
    })
  } catch (error) {
    if (locked === 0) throw error
  } finally {
    await db.close()
  }
  return locked
}
