import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { readTraceparents } from './rows.ts'

export interface PushTracesOptions {
  db: Database<OrdersDatabase>
  logger: Logger
  tracing?: Tracing | undefined
}

/**
 * Puts pushes into the traces of their orders, afterwards: no push waits for its trace, and while
 * tracing is off nothing is read. An order need not store its trace: the event that requests its
 * payment, or its refund, has the trace of the request that was accepted.
 */
export class PushTraces {
  readonly #options: PushTracesOptions
  readonly #startMs = performance.now()
  readonly #pushed: { order: Order; subscribers: number; endMs: number }[] = []

  constructor(options: PushTracesOptions) {
    this.#options = options
  }

  /** This state of the order was pushed. */
  add(order: Order, subscribers: number): void {
    if (!this.#options.tracing) return
    this.#pushed.push({ order, subscribers, endMs: performance.now() })
  }

  /** Never rejects: a trace that cannot be read is missing a span. */
  async record(): Promise<void> {
    const { db, logger, tracing } = this.#options
    if (!tracing || this.#pushed.length === 0) return
    try {
      const ids = this.#pushed.map(({ order }) => order.order_id)
      const traceparents = await readTraceparents(db, ids)
      for (const { order, subscribers, endMs } of this.#pushed) {
        const traceparent = traceparents.get(order.order_id)
        if (!traceparent) continue
        const attributes = {
          'orders_payments.order.id': order.order_id,
          'orders_payments.order.status': order.status,
          'orders_payments.subscribers': subscribers,
        }
        const startMs = this.#startMs
        tracing.record({ name: 'push order', traceparent, startMs, endMs, attributes })
      }
    } catch (error) {
      logger.debug({ err: error }, 'pushes are missing in their traces')
    }
  }
}
