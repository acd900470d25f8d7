import { atDesk, type QueueState } from '#chassis/broker/desk.ts'
import { deadLetterQueue } from '#chassis/broker/topology.ts'
import type { Books } from './books.ts'
import { consumerQueues } from './mail.ts'
import {
  type OutboxStatus,
  type PendingStatus,
  readFlow,
  readOutbox,
  readPending,
} from './status-rows.ts'
import { firstIdAt } from './trace-rows.ts'

export interface Status {
  orders: PendingStatus
  outboxes: Record<'orders' | 'payments', OutboxStatus>
  queues: QueueState[]
  dead_letters: QueueState[]
  /** Events a second, over the last ten. */
  rates: Record<'orders-relay' | 'payments-consumer' | 'payments-relay' | 'orders-consumer', number>
}

const sampleSeconds = 10

/** How far back events are looked for: as far as the oldest that is on its way, an hour at most. */
const leastMs = 60_000
const mostMs = 3_600_000

/** How much there is to do, for how long it has waited, and how fast it goes. */
export async function readStatus({ orders, payments }: Books, amqpUrl: string): Promise<Status> {
  const pending = await readPending(orders)
  const outboxes = { orders: await readOutbox(orders), payments: await readOutbox(payments) }
  const waiting = [pending.oldest_ms, outboxes.orders.oldest_ms, outboxes.payments.oldest_ms]
  const backMs = Math.min(mostMs, leastMs + Math.max(...waiting.map((ms) => ms ?? 0)))
  const since = { sinceId: firstIdAt(new Date(Date.now() - backMs)), seconds: sampleSeconds }
  const [inOrders, inPayments] = [await readFlow(orders, since), await readFlow(payments, since)]
  const [queues, deadLetters] = await atDesk(amqpUrl, async (desk) => [
    await Promise.all(consumerQueues.map((queue) => desk.stateOf(queue))),
    await Promise.all(consumerQueues.map((queue) => desk.stateOf(deadLetterQueue(queue)))),
  ])
  return {
    orders: pending,
    outboxes,
    queues: queues ?? [],
    dead_letters: deadLetters ?? [],
    rates: {
      'orders-relay': inOrders.published / sampleSeconds,
      'payments-consumer': inPayments.handled / sampleSeconds,
      'payments-relay': inPayments.published / sampleSeconds,
      'orders-consumer': inOrders.handled / sampleSeconds,
    },
  }
}
