import { decisionOf, isPending } from '#contracts/order-states.ts'
import { queues } from '#contracts/topology.ts'
import { deadLetterQueue } from '#messaging/broker/topology.ts'
import type { Databases } from '../databases.ts'
import { type DeadLetterSummary, eventIn } from '../dead-letters/summary.ts'
import { findEntries, findOrders, type PendingOrder } from './rows.ts'
import {
  type DeferredFacts,
  findAttempts,
  findDeferred,
  findHandled,
  findSubjects,
  findUnpublished,
} from './stuck-rows.ts'
import { pendingTooLong } from './stuck-stage.ts'

/** Those that are still pending by now, each with what is known of where it is. */
export async function stuckOrders(
  databases: Databases,
  overdue: PendingOrder[],
  letters: DeadLetterSummary[],
): Promise<ReturnType<typeof pendingTooLong>[]> {
  if (overdue.length === 0) return []
  const ids = overdue.map(({ order_id }) => order_id)
  const requestIds = overdue.flatMap(({ request_id }) => request_id ?? [])
  const { orders, payments } = databases
  const failingRequests = await ordersOf(orders, await findAttempts(payments))
  const failingReplies = await ordersOf(payments, await findAttempts(orders))
  const deferredRequests = byOrder((await findDeferred(payments)).map(ofOrder))
  const deferredReplies = byOrder((await findDeferred(orders)).map(ofOrder))
  const requests = byOrder(await findUnpublished(databases.orders, ids))
  const replies = byOrder(await findUnpublished(databases.payments, ids))
  const handled = new Set(
    (await findHandled(databases.payments, requestIds)).map((row) => row.event_id),
  )
  const decided = await decidedOrders(databases, overdue)
  const lettersOf = ({ queue }: { queue: string }) =>
    byOrder(letters.filter((letter) => letter.queue === deadLetterQueue(queue)))
  const deadRequests = lettersOf(queues.paymentsConsumer)
  const deadReplies = lettersOf(queues.ordersConsumer)
  const now = await findOrders(databases.orders, ids)
  const pending = new Set(
    now.filter(({ status }) => isPending(status)).map(({ order_id }) => order_id),
  )
  return overdue
    .filter(({ order_id }) => pending.has(order_id))
    .map((order) =>
      pendingTooLong(order, {
        isDecided: decided.has(order.order_id),
        unpublishedRequest: requests.get(order.order_id),
        unpublishedReply: replies.get(order.order_id),
        deferredRequest: deferredRequests.get(order.order_id),
        deferredReply: deferredReplies.get(order.order_id),
        failingRequest: failingRequests.get(order.order_id),
        failingReply: failingReplies.get(order.order_id),
        deadRequest: deadRequests.get(order.order_id),
        deadReply: deadReplies.get(order.order_id),
        isHandled: order.request_id !== null && handled.has(order.request_id),
      }),
    )
}

/** Those of which Payments has decided what they wait for. */
async function decidedOrders(
  { payments }: Pick<Databases, 'payments'>,
  overdue: PendingOrder[],
): Promise<Set<string>> {
  const awaited = new Map(
    overdue.flatMap(({ order_id, status }) =>
      isPending(status) ? [[order_id, decisionOf(status)] as const] : [],
    ),
  )
  const entries = await findEntries(payments, [...awaited.keys()])
  return new Set(
    entries.flatMap(({ order_id, type }) => (awaited.get(order_id) === type ? [order_id] : [])),
  )
}

/**
 * What their receiver says of some events, by the order that each is about, which the sender knows.
 */
async function ordersOf<Facts extends { event_id: string }>(
  sender: Parameters<typeof findSubjects>[0],
  facts: Facts[],
): Promise<Map<string, Facts>> {
  if (facts.length === 0) return new Map()
  const byEvent = new Map(facts.map((fact) => [fact.event_id, fact]))
  const subjects = await findSubjects(sender, [...byEvent.keys()])
  return new Map(
    subjects.flatMap(({ event_id, order_id }) => {
      const fact = byEvent.get(event_id)
      return fact ? [[order_id, fact] as const] : []
    }),
  )
}

/** A deferred event waits for as long as its row is locked, and knows its order itself. */
const ofOrder = ({ content, waits_for }: DeferredFacts) => ({
  order_id: eventIn(content).orderId ?? null,
  waits_for,
})

const byOrder = <Row extends { order_id: string | null }>(rows: Row[]): Map<string, Row> =>
  new Map(rows.flatMap((row) => (row.order_id === null ? [] : [[row.order_id, row] as const])))
