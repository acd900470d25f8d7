import {
  decisionOf,
  isPending,
  type PendingStatus,
  pendingStatuses,
  repliesTo,
  requestOf,
} from '#contracts/order-states.ts'
import type { Databases } from '../databases.ts'
import type { DeadLetterSummary } from '../dead-letters/summary.ts'
import { type RetentionState, readRetention } from '../retention/rows.ts'
import { goneFrom, type Horizons } from './gone.ts'
import {
  findEntries,
  findEvents,
  findOrder,
  findReceipts,
  type TracedEntry,
  type TracedOrder,
} from './rows.ts'
import { type Facts, type Step, stepsOf } from './steps.ts'
import { windowOf } from './window.ts'

export interface Trace {
  order_id: string
  status: string | null
  request_attempts: number | null
  steps: Step[]
  /** What must have been there, and was old enough to be deleted. */
  expired: string[]
  /** What must have been there, and is not found, though it was not old enough. */
  missing: string[]
  /** Null when the broker does not say. */
  dead_letters: DeadLetterSummary[] | null
}

/**
 * The way of an order, in the order of the hops: of its payment, and of its refund if there is one.
 * Undefined when nobody has heard of it. `letters` are all that are dead, null if they are not
 * known.
 */
export async function traceOrder(
  databases: Databases,
  orderId: string,
  letters: DeadLetterSummary[] | null,
): Promise<Trace | undefined> {
  const order = await findOrder(databases.orders, orderId)
  const entries = await findEntries(databases.payments, orderId)
  const dead = letters?.filter(({ order_id }) => order_id === orderId) ?? null
  if (!order && entries.length === 0 && !dead?.length) return undefined

  const traced: Facts[] = []
  for (const leg of legsOf(orderId, order, entries))
    traced.push(await factsOf(databases, orderId, leg))
  const horizons = await readHorizons(databases)
  const gone = traced.map((facts) => goneFrom(facts, horizons))
  return {
    order_id: orderId,
    status: order?.status ?? null,
    request_attempts: order?.request_attempts ?? null,
    steps: traced.flatMap(stepsOf),
    expired: gone.flatMap(({ expired }) => expired),
    missing: gone.flatMap(({ missing }) => missing),
    dead_letters: dead,
  }
}

async function readHorizons({ orders, payments }: Databases): Promise<Horizons> {
  const [ofOrders, ofPayments] = [await readRetention(orders), await readRetention(payments)]
  const horizonOf = (states: RetentionState[], name: string) =>
    states.find(({ table }) => table === name)?.expired_before ?? null
  return {
    ordersOutbox: horizonOf(ofOrders, 'outbox'),
    ordersInbox: horizonOf(ofOrders, 'inbox'),
    paymentsOutbox: horizonOf(ofPayments, 'outbox'),
    paymentsInbox: horizonOf(ofPayments, 'inbox'),
  }
}

/** One decision about an order, as far as the order and the ledger say. */
type Leg = Pick<Facts, 'waiting' | 'accepted' | 'entry' | 'settled' | 'last'> & {
  acceptedId: string
  endedAt: Date
}

function legsOf(orderId: string, order: TracedOrder | undefined, entries: TracedEntry[]): Leg[] {
  const entryOf = (waiting: PendingStatus) =>
    entries.find(({ type }) => type === decisionOf(waiting))
  const readAt = order?.read_at ?? new Date()
  const last = order && { requestId: order.request_id, attempts: order.request_attempts }
  const restingAt = order && !isPending(order.status) ? order.updated_at : undefined
  const settled = restingAt && order && { at: restingAt, note: order.status as string }
  const refundAt = order?.refund_accepted_at ?? undefined
  const refund = entryOf('REFUND_PENDING')
  const legs: Record<PendingStatus, Omit<Leg, 'waiting'> | undefined> = {
    PAYMENT_PENDING: {
      ...{ acceptedId: orderId, entry: entryOf('PAYMENT_PENDING') },
      accepted: order && { at: order.created_at, note: `${order.amount} of ${order.user_id}` },
      settled: order?.settled_at ? { at: order.settled_at, note: 'PAID' } : settled,
      last: refundAt ? null : (last ?? null),
      endedAt: order?.settled_at ?? restingAt ?? readAt,
    },
    REFUND_PENDING:
      refundAt || refund
        ? {
            ...{ entry: refund, settled, last: last ?? null },
            acceptedId: order?.request_id ?? '',
            accepted: refundAt && { at: refundAt, note: '' },
            endedAt: restingAt ?? readAt,
          }
        : undefined,
  }
  return pendingStatuses.flatMap((waiting) => {
    const leg = legs[waiting]
    return leg ? [{ waiting, ...leg }] : []
  })
}

async function factsOf({ orders, payments }: Databases, orderId: string, leg: Leg): Promise<Facts> {
  const { waiting, accepted, entry, endedAt, acceptedId } = leg
  const requestId = leg.last?.requestId ?? null
  const between = windowOf({
    ...{ acceptedId, requestId, acceptedAt: accepted?.at, endedAt },
    ...{ txId: entry?.tx_id, decidedAt: entry?.created_at },
  })
  const types = [requestOf(waiting)]
  const requests = await findEvents(orders, { orderId, types, between, requestId })
  const answers = { orderId, types: repliesTo(waiting), between, requestId: null }
  const replies = await findEvents(payments, answers)
  const requestIds = new Set([...requests.map(({ event_id }) => event_id), requestId])
  const received = await findReceipts(payments, [...requestIds].filter(isId))
  const heard = await findReceipts(
    orders,
    replies.map(({ event_id }) => event_id),
  )
  return { ...leg, requests, replies, received, heard }
}

const isId = (id: string | null): id is string => id !== null
