import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { queues } from '#contracts/topology.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import { restingList } from '#tables/orders.ts'
import type { System } from '../system.ts'

/** The queue of a consumer. */
export const queueOf = (process: ProcessName) =>
  process === 'payments-consumer' ? queues.paymentsConsumer : queues.ordersConsumer

/** A message that is no event: a dead letter at once. */
export async function sendNonsense(
  { broker, history }: System,
  process: ProcessName,
): Promise<void> {
  const messageId = randomUUID()
  const { queue } = queueOf(process)
  history.inject({ queue, messageId })
  await broker.publish({ routingKey: queue }, 'nonsense', { messageId })
}

/** What was decided, asked or told again as another event about another amount. */
export async function contradict(system: System, process: ProcessName): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const { queue } = queueOf(process)
  const messageId = randomUUID()
  system.history.inject({ queue, messageId })
  const data = { ...event.data, amount: '999999.99' }
  await system.broker.publish(
    { routingKey: queue },
    { ...event, id: messageId, data },
    { messageId },
  )
}

/** The same event once more, and the same question as a new event. */
export async function sendAgain(system: System, process: ProcessName): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const to = { routingKey: queueOf(process).queue }
  await system.broker.publish(to, event, { messageId: event.id })
  const messageId = randomUUID()
  await system.broker.publish(to, { ...event, id: messageId }, { messageId })
}

interface AnyEvent {
  id: string
  data: Record<string, unknown>
}

/** The event that this process was sent about the order that was settled last. */
export async function settledEvent({ orders, payments }: System, process: ProcessName) {
  const [settled] = await orders.rows(sql<{ order_id: string }>`
    SELECT order_id FROM orders WHERE status IN (${sql.raw(restingList)})
    ORDER BY updated_at DESC LIMIT 1`)
  const source = process === 'payments-consumer' ? orders : payments
  const [row] = await source.rows(sql<{ payload_json: AnyEvent }>`
    SELECT payload_json FROM outbox WHERE payload_json ->> 'subject' = ${settled?.order_id ?? ''}`)
  return row?.payload_json
}
