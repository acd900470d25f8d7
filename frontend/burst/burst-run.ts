import type { Order } from '#contracts/orders-http.ts'
import { api } from '../lib/api.ts'
import { type BurstTally, type Counts, type Takings, takingsOf } from './burst-tally.ts'
import { latest } from './latest.ts'

/**
 * For an answer to one order: the servers come back, and a request that still runs ends, sooner.
 */
const totalTimeoutMs = 120_000

/**
 * Places so many orders, and counts them. Throws what does not pass, or has not for two minutes.
 */
export async function runBurst(
  userId: string,
  { count, tally, signal }: { count: number; tally: BurstTally; signal: AbortSignal },
  onPlaced: (order: Order) => void,
): Promise<void> {
  await api.placeOrders(userId, tally.amount, {
    ...{ count, totalTimeoutMs, signal },
    onPlaced: (order) => {
      tally.take(order)
      onPlaced(order)
    },
  })
}

/**
 * Reads what the live stream may have missed, and then the ledger, which has the debit of each
 * order that was counted as paid.
 */
export async function checkBurst(
  userId: string,
  tally: BurstTally,
): Promise<{ counts: Counts; takings: Takings }> {
  const orders = await latest(api.eachOrder(userId), tally.read().placed, tally.hasOrder)
  for (const order of orders) tally.take(order)
  const counts = tally.read()
  const debits = await latest(api.eachLedgerEntry(userId), counts.placed, tally.hasDebit)
  return { counts, takings: takingsOf(debits) }
}
