import { backoffMs } from '#chassis/backoff.ts'
import { integer } from '#chassis/config.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Service } from '#chassis/lifecycle.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import { createRelayNotifier, Loop, type LoopWatchers, watchedLoop } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { longestTimeoutMs } from './retry-policy.ts'
import type { Position } from './retry-rows.ts'
import { type PaymentRequestRetry, retryOverdueRequests } from './retry-turn.ts'

/** Turn after turn. */
export interface RunningRetry extends PaymentRequestRetry {
  logger: Logger
  /** Of turns that fail. */
  outage?: Outage
  loop?: Loop
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

const idleMs = 1_000

/**
 * Goes through the overdue orders, again and again, until told to stop: one turn each second, and
 * the next one at once after a turn that had to retry.
 */
export async function runPaymentRequestRetry(
  retry: RunningRetry,
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
