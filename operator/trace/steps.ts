import type { LedgerStatus, OrderLedgerType } from '#contracts/ledger-types.ts'
import { isPending } from '#contracts/order-states.ts'
import { queues } from '#contracts/topology.ts'
import { counted } from '../cli/table.ts'
import type { Receipt, TracedDebit, TracedEvent, TracedOrder } from './rows.ts'

/** Something that has happened to an order, or not yet. */
export interface Step {
  stage: string
  /** Null: not yet, or nobody knows any more: see the note. */
  at: string | null
  event_id: string | null
  /** The queue that it goes into, or came out of. */
  queue: string | null
  /** How often it was tried: publishing by the relay, handling by the consumer. */
  attempts: number | null
  note: string | null
}

/** What both databases have about an order. */
export interface Facts {
  order: TracedOrder | undefined
  debit: TracedDebit | undefined
  requests: TracedEvent[]
  replies: TracedEvent[]
  /** Of the requests, the last one included though its event may be gone. */
  received: Receipt[]
  /** Of the replies. */
  heard: Receipt[]
}

const toPayments = queues.paymentsConsumer.queue
const toOrders = queues.ordersConsumer.queue

/** The stage that an entry of the ledger is of its order, by its type and how it ended. */
const decisions: Record<OrderLedgerType, Record<LedgerStatus, string>> = {
  DEBIT: { SUCCESS: 'charged', FAILED: 'refused' },
}

/** The way of an order, hop by hop. */
export function stepsOf({ order, debit, requests, replies, received, heard }: Facts): Step[] {
  const decided = decisions.DEBIT[debit?.status ?? 'SUCCESS']
  return [
    step('accepted', order?.created_at, order && `${order.amount} of ${order.user_id}`),
    ...requests.map((event) => published('relayed', event, toPayments)),
    ...received.map((receipt) => handled('received', receipt, toPayments)),
    step(decided, debit?.created_at, debit && noteOf(debit)),
    ...replies.map((event) => published('reply_relayed', event, toOrders)),
    ...heard.map((receipt) => handled('reply_received', receipt, toOrders)),
    isFinal(order) ? step('settled', order.updated_at, order.status) : step('settled', undefined),
  ]
}

/** What must have been there, and is not found: a sentence each. Somebody may have pruned it. */
export function missingFrom({ order, debit, requests, replies, received, heard }: Facts): string[] {
  const last = order?.request_id ?? null
  const isLastGone = last !== null && !requests.some(({ event_id }) => event_id === last)
  const others = (order?.request_attempts ?? 0) - requests.length - (isLastGone ? 1 : 0)
  const isSettled = isFinal(order)
  const found: [isMissing: boolean, sentence: string][] = [
    [isLastGone, `the request ${last} is no longer in the outbox of Orders`],
    [others > 0, `${counted(others, 'request')} of this order not found in the outbox of Orders`],
    [
      debit !== undefined && !received.some(isReceived),
      received.length === 0
        ? 'it is decided, and no request of it is known'
        : 'it is decided, and its request is not in the inbox of Payments',
    ],
    [isSettled && !debit, 'it is settled, and its decision is not in the ledger'],
    [
      debit !== undefined && replies.length === 0,
      'it is decided, and its reply is not in the outbox of Payments',
    ],
    [
      isSettled && replies.length > 0 && !heard.some(isReceived),
      'it is settled, and its reply is not in the inbox of Orders',
    ],
  ]
  return found.flatMap(([isMissing, sentence]) => (isMissing ? [sentence] : []))
}

const isFinal = (order: TracedOrder | undefined): order is TracedOrder =>
  order !== undefined && !isPending(order.status)

const isReceived = ({ received_at }: Receipt) => received_at !== null

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
  note:
    receipt.waits_for === null
      ? receipt.last_error
      : `deferred: waits for ${receipt.waits_for}, which somebody has locked`,
})
