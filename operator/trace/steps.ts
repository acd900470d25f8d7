import type { LedgerStatus } from '#contracts/ledger-types.ts'
import type { PendingStatus } from '#contracts/order-states.ts'
import { queues } from '#contracts/topology.ts'
import type { Receipt, TracedEntry, TracedEvent } from './rows.ts'

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

/** What both databases have of one decision about an order: of its payment, or of its refund. */
export interface Facts {
  /** The state in which the order waits for the decision. */
  waiting: PendingStatus
  accepted: { at: Date; note: string } | undefined
  entry: TracedEntry | undefined
  requests: TracedEvent[]
  replies: TracedEvent[]
  /** Of the requests, the last one included though its event may be gone. */
  received: Receipt[]
  /** Of the replies. */
  heard: Receipt[]
  /** When Orders has taken note of the decision, and what the order was then. */
  settled: { at: Date; note: string } | undefined
  /** The last request, and how many there were; null where nobody knows any more. */
  last: { requestId: string | null; attempts: number } | null
}

const toPayments = queues.paymentsConsumer.queue
const toOrders = queues.ordersConsumer.queue

/**
 * What the stages of a decision begin with, and the stage that its entry of the ledger is, by how
 * that ended.
 */
const names: Record<PendingStatus, { prefix: string; decided: Record<LedgerStatus, string> }> = {
  PAYMENT_PENDING: { prefix: '', decided: { SUCCESS: 'charged', FAILED: 'refused' } },
  REFUND_PENDING: {
    prefix: 'refund_',
    decided: { SUCCESS: 'credited', FAILED: 'refund_refused' },
  },
}

/** The way of an order to one decision and back, hop by hop. */
export function stepsOf(facts: Facts): Step[] {
  const { waiting, accepted, entry, requests, replies, received, heard, settled } = facts
  const { prefix, decided } = names[waiting]
  return [
    step(`${prefix}accepted`, accepted?.at, accepted?.note),
    ...requests.map((event) => published(`${prefix}relayed`, event, toPayments)),
    ...received.map((receipt) => handled(`${prefix}received`, receipt, toPayments)),
    step(decided[entry?.status ?? 'SUCCESS'], entry?.created_at, entry && noteOf(entry)),
    ...replies.map((event) => published(`${prefix}reply_relayed`, event, toOrders)),
    ...heard.map((receipt) => handled(`${prefix}reply_received`, receipt, toOrders)),
    step(`${prefix}settled`, settled?.at, settled?.note),
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

const noteOf = ({ tx_id, reason }: TracedEntry) => (reason ? `${reason}, ${tx_id}` : tx_id)

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
