import type { Books } from '../databases.ts'
import { firstIdAt } from '../trace/rows.ts'
import { readFlow } from './rows.ts'

/** Events a second, over the last ten. */
export type Rates = Record<
  'orders-relay' | 'payments-consumer' | 'payments-relay' | 'orders-consumer',
  number
>

const seconds = 10

/** How far back events are looked at: as far as the oldest that is on its way, an hour at most. */
const leastMs = 60_000
const mostMs = 3_600_000

/**
 * How fast it goes, where the oldest that is on its way is so old. No index knows what was moved last,
 * so events that were made more than an hour ago are not counted.
 */
export async function readRates({ orders, payments }: Books, oldestMs: number): Promise<Rates> {
  const backMs = Math.min(mostMs, leastMs + oldestMs)
  const since = { sinceId: firstIdAt(new Date(Date.now() - backMs)), seconds }
  const [inOrders, inPayments] = [await readFlow(orders, since), await readFlow(payments, since)]
  return {
    'orders-relay': inOrders.published / seconds,
    'payments-consumer': inPayments.handled / seconds,
    'payments-relay': inPayments.published / seconds,
    'orders-consumer': inOrders.handled / seconds,
  }
}
