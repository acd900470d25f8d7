import type { Order } from '#contracts/orders-http.ts'
import type { CallOptions } from './caller.ts'

export interface BurstOptions {
  count: number
  /** How many calls run side by side; a browser opens six connections to one place, and no more. */
  concurrency?: number
  /** How long each order is tried in all. */
  totalTimeoutMs?: number
  /** Aborted, no order is begun or retried any more; calls under way are waited for. */
  signal?: AbortSignal
  onPlaced: (order: Order) => void
}

/**
 * Places many orders, each with an Idempotency-Key of its own. Resolves when all are placed, or
 * those that were begun when the signal was aborted. The first order that is refused, or has no
 * answer in time, stops the others: what was thrown for it is thrown when the calls under way have
 * ended.
 */
export async function placeBurst(
  place: (options: CallOptions) => Promise<Order>,
  { count, concurrency = 6, totalTimeoutMs, signal, onPlaced }: BurstOptions,
): Promise<void> {
  const failing = new AbortController()
  const retrySignal = AbortSignal.any([failing.signal, ...(signal ? [signal] : [])])
  const options = { retrySignal, ...(totalTimeoutMs !== undefined && { totalTimeoutMs }) }
  let left = count
  const worker = async () => {
    while (left > 0 && !retrySignal.aborted) {
      left--
      try {
        onPlaced(await place(options))
      } catch (error) {
        if (!retrySignal.aborted) failing.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  failing.signal.throwIfAborted()
}
