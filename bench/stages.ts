import type { TimedOrder } from './load-orders.ts'
import { median } from './measurement.ts'
import { execute, type Servers } from './servers.ts'

/** Milliseconds of each stage, in their order. */
export type Stages = Record<string, number>

/**
 * When things happened to an order, in milliseconds since the epoch: all on the clock of one
 * machine.
 */
interface Times {
  begun: number
  relayed: number
  received: number
  charged: number
  replied: number
  settled: number
}

const epochMs = (moment: string) => `(extract(epoch FROM ${moment}) * 1000)::float8`
const commitOf = (table: string) => epochMs(`pg_xact_commit_timestamp(${table}.xmin)`)

/**
 * The median of every stage between two moments that the databases, or the client, have noted. An
 * event is marked after its confirm, so a stage that begins with a mark can be negative.
 */
export async function readStages(servers: Servers, orders: TimedOrder[]): Promise<Stages> {
  const times = await readTimes(servers)
  const all = orders.flatMap((order) => {
    const found = times.get(order.id)
    return found ? [{ ...order, ...found }] : []
  })
  if (all.length !== orders.length) throw new Error('an order left no trace in the databases')
  const stage = (from: keyof Times | 'sentAt', to: keyof Times | 'answeredAt' | 'finalAt') =>
    median(all.map((order) => order[to] - order[from]))
  return {
    'POST sent → answered': stage('sentAt', 'answeredAt'),
    'transaction begun → relayed and marked': stage('begun', 'relayed'),
    '→ with payments-consumer': stage('relayed', 'received'),
    '→ charged': stage('received', 'charged'),
    '→ reply relayed and marked': stage('charged', 'replied'),
    '→ settled by orders-consumer': stage('replied', 'settled'),
    '→ told to the client': stage('settled', 'finalAt'),
  }
}

async function readTimes({ ordersUrl, paymentsUrl }: Servers): Promise<Map<string, Times>> {
  const ordered = await execute<Times & { order_id: string; request_id: string }>(
    ordersUrl,
    `SELECT order_id, request_id, ${epochMs('outbox.created_at')} AS begun,
            ${epochMs('published_at')} AS relayed, ${commitOf('orders')} AS settled
     FROM orders JOIN outbox ON event_id = request_id`,
  )
  const received = await execute<Times & { request_id: string }>(
    paymentsUrl,
    `SELECT event_id AS request_id, ${epochMs('received_at')} AS received,
            ${commitOf('inbox')} AS charged
     FROM inbox`,
  )
  const replied = await execute<Times & { order_id: string }>(
    paymentsUrl,
    `SELECT payload_json ->> 'subject' AS order_id, ${epochMs('published_at')} AS replied
     FROM outbox`,
  )
  const inboxes = new Map(received.map((row) => [row.request_id, row]))
  const replies = new Map(replied.map((row) => [row.order_id, row]))
  return new Map(
    ordered.map((row) => [
      row.order_id,
      { ...row, ...inboxes.get(row.request_id), ...replies.get(row.order_id) },
    ]),
  )
}
