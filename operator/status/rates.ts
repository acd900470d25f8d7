import { firstIdAt } from '#messaging/event-ids.ts'
import type { Databases } from '../databases.ts'
import { readFlow } from './rows.ts'

/** Events per second of each process, in the last ten seconds. */
export type Rates = Record<
  'orders-relay' | 'payments-consumer' | 'payments-relay' | 'orders-consumer',
  number
>

const seconds = 10

/** How far back events are counted, beyond the age of the oldest waiting event. */
const minBackMs = 60_000
const maxBackMs = 3_600_000

/**
 * The rates of all processes. There is no index by the time of publishing or handling: so events
 * are counted that were created since the oldest waiting one, and at most an hour ago.
 */
export async function readRates({ orders, payments }: Databases, oldestMs: number): Promise<Rates> {
  const backMs = Math.min(maxBackMs, minBackMs + oldestMs)
  const since = { sinceId: firstIdAt(new Date(Date.now() - backMs)), seconds }
  const [inOrders, inPayments] = [await readFlow(orders, since), await readFlow(payments, since)]
  return {
    'orders-relay': inOrders.published / seconds,
    'payments-consumer': inPayments.handled / seconds,
    'payments-relay': inPayments.published / seconds,
    'orders-consumer': inOrders.handled / seconds,
  }
}
