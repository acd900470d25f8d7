import { deadLetterQueue } from '#messaging/broker/topology.ts'
import { consumerQueues } from '../broker-report.ts'
import type { Databases } from '../databases.ts'
import { type QueueState, withQueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import { type RetentionState, readRetention } from '../retention/rows.ts'
import { type Rates, readRates } from './rates.ts'
import { type OutboxStatus, type PendingStatus, readOutbox, readPending } from './rows.ts'

export interface Status {
  orders: PendingStatus
  outboxes: Record<'orders' | 'payments', OutboxStatus>
  /** Null when the broker is away; `dead_letters` too. */
  queues: QueueState[] | null
  dead_letters: QueueState[] | null
  rates: Rates
  /** What expires; `operator retention` also counts what has expired. */
  retention: Record<'orders' | 'payments', RetentionState[]>
}

/** The depths that only the broker knows. */
export interface Depths {
  queues: QueueState[]
  dead_letters: QueueState[]
}

/**
 * How many messages are ready in each queue. Rejects with `unavailable` when the broker is away.
 */
export const readDepths = (amqpUrl: string): Promise<Depths> =>
  withQueueBrowser(amqpUrl, async (browser) => ({
    queues: await Promise.all(consumerQueues.map((queue) => browser.stateOf(queue))),
    dead_letters: await Promise.all(
      consumerQueues.map((queue) => browser.stateOf(deadLetterQueue(queue))),
    ),
  }))

/** Depths, ages and rates from both databases, with the depths of the queues if they are known. */
export async function readStatus(
  { orders, payments }: Databases,
  depths: Depths | null,
): Promise<Status> {
  const pending = await readPending(orders)
  const outboxes = { orders: await readOutbox(orders), payments: await readOutbox(payments) }
  const waiting = [pending.oldest_ms, outboxes.orders.oldest_ms, outboxes.payments.oldest_ms]
  const oldestMs = Math.max(...waiting.map((ms) => ms ?? 0))
  return {
    orders: pending,
    outboxes,
    queues: depths?.queues ?? null,
    dead_letters: depths?.dead_letters ?? null,
    rates: await readRates({ orders, payments }, oldestMs),
    retention: { orders: await readRetention(orders), payments: await readRetention(payments) },
  }
}
