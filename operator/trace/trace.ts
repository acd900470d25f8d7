import { isPending } from '#contracts/order-states.ts'
import type { Databases } from '../databases.ts'
import type { DeadLetterSummary } from '../dead-letters/summary.ts'
import { findDebit, findEvents, findOrder, findReceipts } from './rows.ts'
import { missingFrom, type Step, stepsOf } from './steps.ts'
import { windowOf } from './window.ts'

export interface Trace {
  order_id: string
  status: string | null
  request_attempts: number | null
  steps: Step[]
  /** What must have been there, and is not found. */
  missing: string[]
  /** Null when the broker does not say. */
  dead_letters: DeadLetterSummary[] | null
}

/**
 * The way of an order, in the order of the hops; undefined when nobody has heard of it. `letters`
 * are all that are dead, null if they are not known.
 */
export async function traceOrder(
  { orders, payments }: Databases,
  orderId: string,
  letters: DeadLetterSummary[] | null,
): Promise<Trace | undefined> {
  const order = await findOrder(orders, orderId)
  const debit = await findDebit(payments, orderId)
  const dead = letters?.filter(({ order_id }) => order_id === orderId) ?? null
  if (!order && !debit && !dead?.length) return undefined

  const requestId = order?.request_id ?? null
  const isOver = order !== undefined && !isPending(order.status)
  const between = windowOf({
    orderId,
    requestId,
    acceptedAt: order?.created_at,
    endedAt: isOver ? order.updated_at : (order?.read_at ?? new Date()),
    txId: debit?.tx_id,
    decidedAt: debit?.created_at,
  })
  const requests = await findEvents(orders, { orderId, between, requestId })
  const replies = await findEvents(payments, { orderId, between, requestId: null })
  const requestIds = new Set([...requests.map(({ event_id }) => event_id), requestId])
  const received = await findReceipts(payments, [...requestIds].filter(isId))
  const heard = await findReceipts(
    orders,
    replies.map(({ event_id }) => event_id),
  )
  const facts = { order, debit, requests, replies, received, heard }
  return {
    order_id: orderId,
    status: order?.status ?? null,
    request_attempts: order?.request_attempts ?? null,
    steps: stepsOf(facts),
    missing: missingFrom(facts),
    dead_letters: dead,
  }
}

const isId = (id: string | null): id is string => id !== null
