import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import type { IdempotentRequest } from '#idempotency/stored-response.ts'
import { withIdempotencyKeys } from '#idempotency/transaction.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { groupCommit } from './group-commit.ts'
import { insertPlacedOrders } from './insert-placed-orders.ts'
import type { OwnOrder } from './place-order.ts'

/** A request to place an order, with its Idempotency-Key. */
export interface OrderRequest extends IdempotentRequest {
  order: OwnOrder
  /** Of the request, as it came. */
  traceparent?: string
}

/**
 * Returns a function that accepts an order. Under load, the orders that arrive during a commit
 * share the next transaction; two at a time, so that one group is on its way while the next one is
 * gathered.
 */
export function createOrderAcceptor(
  db: Database<OrdersDatabase>,
  logger: Logger,
  tracing?: Tracing,
) {
  const report = throttledLog((details) => logger.warn(details, 'orders are accepted one by one'))
  const commit = (requests: OrderRequest[]) => acceptOrders(db, requests)
  return groupCommit({
    commit: tracing
      ? (requests) => tracing.linked('accept orders', requests, () => commit(requests))
      : commit,
    concurrency: 2,
    groupSize: 200,
    maxWaitMs: 2_000,
    onSplit: (error, size) => report(1, { err: error, size }),
  })
}

/** One transaction; an outcome for each request, in their order. */
export const acceptOrders = (db: Database<OrdersDatabase>, requests: OrderRequest[]) =>
  withIdempotencyKeys(db, requests, insertPlacedOrders)
