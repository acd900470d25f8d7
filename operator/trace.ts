import { queues } from '#contracts/topology.ts'
import type { Books } from './books.ts'
import type { LetterSummary } from './letter.ts'
import {
  findDebit,
  findEvents,
  findOrder,
  findReceipts,
  type Receipt,
  type TracedDebit,
  type TracedEvent,
  type TracedOrder,
} from './trace-rows.ts'

/** Something that has happened to an order, or not yet. */
export interface Step {
  stage: string
  /** Null: not yet. */
  at: string | null
  event_id: string | null
  /** The queue that it goes into, or came out of. */
  queue: string | null
  /** How often it was tried: publishing by the relay, handling by the consumer. */
  attempts: number | null
  note: string | null
}

export interface Trace {
  order_id: string
  status: string | null
  times_asked: number | null
  steps: Step[]
  /** Null when the broker does not say. */
  dead_letters: LetterSummary[] | null
}

const toPayments = queues.paymentsConsumer.queue
const toOrders = queues.ordersConsumer.queue

/** Clocks differ, and an event is made a little before its transaction. */
const slackMs = 60_000

/**
 * The way of an order, in the order of the hops; undefined when nobody has heard of it. `letters` are
 * all that are dead, null if they are not known.
 */
export async function traceOrder(
  { orders, payments }: Books,
  orderId: string,
  letters: LetterSummary[] | null,
): Promise<Trace | undefined> {
  const order = await findOrder(orders, orderId)
  const debit = await findDebit(payments, orderId)
  const dead = letters?.filter(({ order_id }) => order_id === orderId) ?? null
  if (!order && !debit && !dead?.length) return undefined

  const between = lifetimeOf(order, debit)
  const requests = await findEvents(orders, orderId, between)
  const replies = await findEvents(payments, orderId, between)
  const received = await findReceipts(payments, idsOf(requests))
  const heard = await findReceipts(orders, idsOf(replies))
  return {
    order_id: orderId,
    status: order?.status ?? null,
    times_asked: order?.times_asked ?? null,
    steps: stepsOf({ order, debit, requests, replies, received, heard }),
    dead_letters: dead,
  }
}

const idsOf = (events: TracedEvent[]) => events.map(({ event_id }) => event_id)

/** When there may be events about it: until it was settled, or until now. */
function lifetimeOf(order: TracedOrder | undefined, debit: TracedDebit | undefined): [Date, Date] {
  const begin = order?.created_at ?? debit?.created_at ?? new Date()
  const isOver = order !== undefined && order.status !== 'PAYMENT_PENDING'
  const end = isOver ? order.updated_at : new Date()
  return [new Date(begin.getTime() - slackMs), new Date(end.getTime() + slackMs)]
}

interface Facts {
  order: TracedOrder | undefined
  debit: TracedDebit | undefined
  requests: TracedEvent[]
  replies: TracedEvent[]
  received: Receipt[]
  heard: Receipt[]
}

function stepsOf({ order, debit, requests, replies, received, heard }: Facts): Step[] {
  const isFinal = order !== undefined && order.status !== 'PAYMENT_PENDING'
  return [
    step('accepted', order?.created_at, order && `${order.amount} of ${order.user_id}`),
    ...requests.map((event) => published('relayed', event, toPayments)),
    ...received.map((receipt) => handled('received', receipt, toPayments)),
    step(
      debit?.status === 'FAILED' ? 'refused' : 'charged',
      debit?.created_at,
      debit && noteOf(debit),
    ),
    ...replies.map((event) => published('reply_relayed', event, toOrders)),
    ...heard.map((receipt) => handled('reply_received', receipt, toOrders)),
    step('settled', isFinal ? order.updated_at : undefined, isFinal ? order.status : null),
  ]
}

const step = (stage: string, at: Date | undefined, note: string | null = null): Step => ({
  stage,
  at: at?.toISOString() ?? null,
  event_id: null,
  queue: null,
  attempts: null,
  note,
})

const noteOf = ({ tx_id, reason }: TracedDebit) => (reason ? `${reason}, ${tx_id}` : tx_id)

const published = (stage: string, event: TracedEvent, queue: string): Step => ({
  stage,
  at: event.published_at?.toISOString() ?? null,
  event_id: event.event_id,
  queue,
  attempts: event.publish_attempts,
  note: event.last_error ?? event.event_type,
})

/** Starts are counted of messages in trouble only: what is handled without was tried once. */
const handled = (stage: string, receipt: Receipt, queue: string): Step => ({
  stage,
  at: receipt.received_at?.toISOString() ?? null,
  event_id: receipt.event_id,
  queue,
  attempts: receipt.started ?? (receipt.received_at ? 1 : null),
  note: receipt.last_error,
})
