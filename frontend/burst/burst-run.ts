import type { Order } from '#contracts/orders-http.ts'
import { api } from '../lib/api.ts'
import { type BurstTally, type Counts, type Takings, takingsOf } from './burst-tally.ts'

/** For an answer to one order: the servers come back, and a request that still runs ends, sooner. */
const totalTimeoutMs = 120_000

/** Places so many orders, and counts them. Throws what does not pass, or has not for two minutes. */
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

/** Reads what the live stream may have missed, and what the ledger says. */
export async function checkBurst(
  userId: string,
  tally: BurstTally,
): Promise<{ counts: Counts; takings: Takings }> {
  const count = tally.read().placed
  for (const order of await latest(api.eachOrder(userId), count, tally.hasOrder)) tally.take(order)
  const counts = tally.read()
  const debits = await latest(api.eachLedgerEntry(userId), count, tally.hasDebit)
  return { counts, takings: takingsOf(debits) }
}

/**
 * The latest items that are looked for, so many. Whoever has other orders at the same time is read
 * somewhat further back, not without end.
 */
async function latest<T>(
  items: AsyncGenerator<T>,
  count: number,
  isWanted: (item: T) => boolean,
): Promise<T[]> {
  const found: T[] = []
  let left = 2 * count + 200
  for await (const item of items) {
    if (isWanted(item)) found.push(item)
    if (found.length >= count || --left <= 0) break
  }
  return found
}
