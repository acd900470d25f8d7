import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '#chassis/database/connect.ts'
import { createEvent } from '#contracts/events.ts'
import { requestOf } from '#contracts/order-states.ts'
import { appendEvents } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { extraTimeoutMs, shouldRetry } from './retry-policy.ts'
import { claimOverdueOrders, findOverdueOrders, type Position, setRequested } from './retry-rows.ts'

export interface PaymentRequestRetry {
  db: Database<OrdersDatabase>
  /**
   * How long an order waits for its answer before its request is repeated; 0: never.
   */
  timeoutMs: number
  /** Called after a commit that left something in the outbox. */
  notifyRelay: () => void
  /** Logs orders whose payment was requested again, of any number of turns. */
  report?: (count: number, details: object) => void
  /** So many payments were requested again. */
  onRetried?: ((count: number) => void) | undefined
}

/** Most orders of one turn. */
const batchSize = 1_000

/** What a turn did. */
export interface RetryTurn {
  retried: number
  /** Where the next turn goes on; undefined: this turn saw the last of the overdue orders. */
  next: Position | undefined
}

/**
 * Looks at the next overdue orders after a position, and requests the payment again of those whose
 * request has been with the broker for the whole timeout. The others are left as they are: while
 * the relay or the broker is away, however many orders wait, nothing is written.
 *
 * A confirm is no proof of delivery, and a broker can lose its disk: the retry repairs what no
 * outbox can see. The request has a new event id; Payments repeats the outcome that it has
 * recorded, if any.
 */
export async function retryOverdueRequests(
  retry: PaymentRequestRetry,
  after?: Position,
): Promise<RetryTurn> {
  const { db, timeoutMs, notifyRelay } = retry
  const overdue = await findOverdueOrders(db, { after, timeoutMs, limit: batchSize })
  const ids = overdue
    .filter((request) => shouldRetry(request, timeoutMs))
    .map(({ order_id }) => order_id)
  const retried = ids.length > 0 ? await requestAgain(retry, ids) : []
  if (retried.length > 0) {
    notifyRelay()
    const { length: count } = retried
    retry.onRetried?.(count)
    retry.report?.(count, { order_ids: retried.slice(0, 10) })
  }
  return { retried: retried.length, next: overdue.length < batchSize ? undefined : overdue.at(-1) }
}

/** One transaction; the ids of the orders whose payment was requested. */
const requestAgain = ({ db, timeoutMs }: PaymentRequestRetry, orderIds: string[]) =>
  db.transaction().execute(async (trx) => {
    const orders = await claimOverdueOrders(trx, orderIds, timeoutMs)
    const time = new Date()
    const retries = orders
      .filter((order) => shouldRetry(order, timeoutMs))
      .map(({ order_id, user_id, amount, status, request_attempts, traceparent }) => {
        const fact = { type: requestOf(status), data: { order_id, user_id, amount } }
        const event = createEvent(fact, { id: randomUUIDv7(), time, traceparent })
        const extraMs = extraTimeoutMs(request_attempts, timeoutMs)
        return { orderId: order_id, requestId: event.id, extraTimeoutMs: extraMs, event }
      })
    if (retries.length > 0) await setRequested(trx, retries)
    const events = retries.map(({ event }) => event)
    await appendEvents(trx, events)
    return retries.map(({ orderId }) => orderId)
  })
