import { randomUUIDv7 } from 'node:crypto'
import { backoffMs } from '#chassis/backoff.ts'
import { integer } from '#chassis/config.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Service } from '#chassis/lifecycle.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import { createEvent } from '#contracts/events.ts'
import { requestOf } from '#contracts/order-states.ts'
import {
  appendEvents,
  createRelayNotifier,
  Loop,
  type LoopWatchers,
  watchedLoop,
} from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { extraTimeoutMs, longestTimeoutMs, shouldRetry } from './retry-policy.ts'
import { claimOverdueOrders, findOverdueOrders, type Position, setRequested } from './retry-rows.ts'

export interface PaymentRequestRetry {
  db: Database<OrdersDatabase>
  logger: Logger
  /**
   * How long an order waits for its answer before its request is repeated; 0: never.
   */
  timeoutMs: number
  /** Called after a commit that left something in the outbox. */
  notifyRelay: () => void
  /** Of turns that fail. */
  outage?: Outage
  loop?: Loop
  /** Logs orders whose payment was requested again, of any number of turns. */
  report?: ReturnType<typeof throttledLog>
  /** So many payments were requested again. */
  onRetried?: ((count: number) => void) | undefined
}

export const retryVariables = {
  paymentRequestTimeoutMs: {
    ...integer('PAYMENT_REQUEST_TIMEOUT_MS', { max: 86_400_000, fallback: 30_000 }),
    formerName: 'ASK_AGAIN_AFTER_MS',
  },
}

/** What the retry adds to the time in which events of an order may arrive. */
export const longestTimeout = (config: { paymentRequestTimeoutMs: number }) => ({
  variable: 'PAYMENT_REQUEST_TIMEOUT_MS',
  ms: longestTimeoutMs(config.paymentRequestTimeoutMs),
})

/** Most orders of one turn. */
const batchSize = 1_000
const idleMs = 1_000

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

/**
 * Goes through the overdue orders, again and again, until told to stop: one turn each second, and
 * the next one at once after a turn that had to retry.
 */
export async function runPaymentRequestRetry(
  retry: PaymentRequestRetry,
  signal: AbortSignal,
): Promise<void> {
  if (retry.timeoutMs === 0) return
  const { outage = retryOutage(retry.logger), loop = new Loop('payment request retry') } = retry
  const lane = loop.lane()
  let position: Position | undefined
  for (let failures = 0; !signal.aborted; ) {
    try {
      const { retried, next } = await retryOverdueRequests(retry, position)
      position = next
      failures = 0
      outage.over()
      lane.turned()
      if (retried === 0 || !next) await pause(idleMs, signal)
    } catch (error) {
      outage.failed(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

export const retryOutage = (logger: Logger) =>
  new Outage({ logger, what: 'payment requests cannot be retried' })

/** As a part of a process, whose health says when it fails. */
export function retryPaymentRequests(
  db: Database<OrdersDatabase>,
  process: Service<{ paymentRequestTimeoutMs: number }> &
    LoopWatchers &
    Pick<PaymentRequestRetry, 'onRetried'>,
): Promise<void> {
  const { config, logger, health, signal, onRetried } = process
  const outage = retryOutage(logger)
  health.check('payment request retry', () => outage.assertOver())
  const { paymentRequestTimeoutMs: timeoutMs } = config
  const loop = watchedLoop('payment request retry', process)
  const notifyRelay = createRelayNotifier(db, logger)
  const report = throttledLog((details) =>
    logger.warn(details, 'no answer in time: payments requested again'),
  )
  const retry = { db, logger, timeoutMs, outage, notifyRelay, loop, report, onRetried }
  return runPaymentRequestRetry(retry, signal)
}
