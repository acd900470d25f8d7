import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { formatMoney } from '#contracts/money.ts'
import { queues, routes } from '#contracts/topology.ts'
import type { ProcessName } from '#local/ports.ts'
import { call } from '#testing/client.ts'
import { users } from './load.ts'
import type { System } from './system.ts'

/** What is rare by itself, and how to bring it about; it may need several tries. */
interface Provocation {
  process: RegExp
  seam: RegExp
  bring: (
    system: System,
    process: ProcessName,
    /** How long a disturbance lasts that must last for a while. */
    meanwhile?: () => Promise<unknown>,
  ) => Promise<void>
}

/** The rare things that may lead a process to this seam. */
export const provocationsOf = (process: string, seam: string): Provocation['bring'][] =>
  provocations
    .filter((one) => one.process.test(process) && one.seam.test(seam))
    .map(({ bring }) => bring)

/** Everything that is rare, once. */
export const allProvocations = (process: ProcessName): Provocation['bring'][] =>
  provocations.filter((one) => one.process.test(process)).map(({ bring }) => bring)

/** The same by name, for scenarios. */
export const provocationsNamed = {
  nonsense: sendNonsense,
  contradiction: contradict,
  again: sendAgain,
  unbound: unbind,
  deaf: cutListener,
}

const provocations: Provocation[] = [
  {
    process: /-consumer$/,
    seam: /\.dlq$|confirm received|delivery of \S+-consumer/,
    bring: sendNonsense,
  },
  { process: /-consumer$/, seam: /delete inbox/, bring: contradict },
  { process: /-consumer$/, seam: /commit of insert inbox/, bring: sendAgain },
  { process: /-consumer$/, seam: /redelivery|attempts/, bring: cutConsumer },
  { process: /-relay$/, seam: /return of|set publish_attempts/, bring: unbind },
  { process: /^orders-api$/, seam: /rollback|answer POST \/orders 422/, bring: misuseKey },
  { process: /^orders-api$/, seam: /updated_at/, bring: cutListener },
  { process: /-api$/, seam: /commit of nothing/, bring: repeatCall },
  {
    process: /^payments-api$/,
    seam: /rollback of ins|answer POST \/accounts 409/,
    bring: openTwice,
  },
  { process: /^payments-api$/, seam: /rollback of nothing|topup 404/, bring: topUpNobody },
  { process: /-relay$/, seam: /hear outbox/, bring: wakeRelay },
  { process: /^orders-api$/, seam: /hear order_status/, bring: notifyStatus },
]

const queueOf = (process: ProcessName) =>
  process === 'payments-consumer' ? queues.paymentsConsumer : queues.ordersConsumer

/** A message that is no event: a dead letter at once. */
async function sendNonsense({ broker, history }: System, process: ProcessName): Promise<void> {
  const messageId = randomUUID()
  const { queue } = queueOf(process)
  history.provoke({ queue, messageId })
  await broker.publish({ routingKey: queue }, 'nonsense', { messageId })
}

/** What was decided, asked or told again as another event about another amount. */
async function contradict(system: System, process: ProcessName): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const { queue } = queueOf(process)
  const messageId = randomUUID()
  system.history.provoke({ queue, messageId })
  const data = { ...event.data, amount: '999999.99' }
  await system.broker.publish(
    { routingKey: queue },
    { ...event, id: messageId, data },
    { messageId },
  )
}

/** The same event once more, and the same question as a new event. */
async function sendAgain(system: System, process: ProcessName): Promise<void> {
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
async function settledEvent({ orders, payments }: System, process: ProcessName) {
  const [settled] = await orders.rows(sql<{ order_id: string }>`
    SELECT order_id FROM orders WHERE status <> 'PAYMENT_PENDING'
    ORDER BY updated_at DESC LIMIT 1`)
  const source = process === 'payments-consumer' ? orders : payments
  const [row] = await source.rows(sql<{ payload_json: AnyEvent }>`
    SELECT payload_json FROM outbox WHERE payload_json ->> 'subject' = ${settled?.order_id ?? ''}`)
  return row?.payload_json
}

/** What is in its hands comes again. */
async function cutConsumer({ broker }: System, process: ProcessName): Promise<void> {
  await broker.closeConnections(process)
}

/** For a moment, or as long as `meanwhile`, there is no way from the exchange to the queue. */
async function unbind(
  { broker }: System,
  process: ProcessName,
  meanwhile: () => Promise<unknown> = () => delay(200),
): Promise<void> {
  const { queue, exchange } =
    process === 'orders-relay' ? queues.paymentsConsumer : queues.ordersConsumer
  const keys = Object.values(routes).flatMap((route) =>
    route.exchange === exchange ? [route.routingKey] : [],
  )
  const channel = broker.channel()
  for (const key of keys) await channel.unbindQueue(queue, exchange, key)
  await meanwhile()
  for (const key of keys) await channel.bindQueue(queue, exchange, key)
}

/** The key of one order for another: refused, with nothing done. */
async function misuseKey({ fleet, history }: System): Promise<void> {
  const used = history.calls.findLast(({ kind, ending }) => kind === 'order' && ending === 'ok')
  if (!used) return
  const headers = { 'idempotency-key': used.key }
  const body = { user_id: used.userId, amount: '999999.99' }
  await call(fleet.address('orders-api'), 'POST', '/orders', { body, headers }).catch(() => {})
}

/** A call that was answered, once more. */
async function repeatCall({ fleet, history }: System, process: ProcessName): Promise<void> {
  const kind = process === 'orders-api' ? 'order' : 'account'
  const done = history.calls.findLast((one) => one.kind === kind && one.ending === 'ok')
  if (!done) return
  const headers = { 'idempotency-key': done.key }
  const amount = formatMoney(done.amountMinor)
  const body = { user_id: done.userId, ...(kind === 'order' && { amount }) }
  await call(fleet.address(process), 'POST', `/${kind}s`, { body, headers }).catch(() => {})
}

/** The connection that hears of orders ends, while somebody watches. */
async function cutListener({ orders }: System): Promise<void> {
  await orders.endConnections('orders-api listen')
}

async function openTwice({ fleet }: System): Promise<void> {
  const body = { user_id: users.rich }
  await call(fleet.address('payments-api'), 'POST', '/accounts', { body }).catch(() => {})
}

async function topUpNobody({ fleet }: System): Promise<void> {
  const body = { amount: '1.00' }
  const path = '/accounts/none/topup'
  await call(fleet.address('payments-api'), 'POST', path, { body }).catch(() => {})
}

/** As after an event that somebody else has put into the outbox. */
async function wakeRelay({ orders, payments }: System, process: ProcessName): Promise<void> {
  const { db } = process === 'orders-relay' ? orders : payments
  await sql`SELECT pg_notify('outbox', '')`.execute(db)
}

/** As from a consumer that has settled an order which was settled already. */
async function notifyStatus({ orders, load }: System): Promise<void> {
  const orderId = load.orderIds.at(-1)
  if (orderId) await sql`SELECT pg_notify('order_status', ${orderId})`.execute(orders.db)
}
