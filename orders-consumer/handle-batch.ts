import type { Transaction } from 'kysely'
import { orderStatusChannel, statusPayloads } from '#contracts/order-status.ts'
import {
  type Delivered,
  type HandlerResult,
  maxPayloadBytes,
  notify,
  RowLocks,
  utcTime,
} from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import {
  lockOrders,
  lockOrSkipOrders,
  type SettledRow,
  type StageTimes,
  type StatusChange,
  setStatuses,
} from './rows.ts'
import { bringsTimes, type PaymentOutcome, settleOrders } from './settle-orders.ts'

/** Of the order that an outcome settles. */
export const orderLocks = () =>
  new RowLocks<OrdersDatabase, PaymentOutcome>({
    keyOf: ({ data }) => data.order_id,
    lockOrSkip: lockOrSkipOrders,
  })

/**
 * Load, decide, save, and notify orders-api of the changed orders, in the same transaction.
 * `onSettled` is called after the commit, for each order that was settled.
 */
export async function handleBatch(
  trx: Transaction<OrdersDatabase>,
  outcomes: Delivered<PaymentOutcome>[],
  onSettled?: (settled: SettledRow) => void,
): Promise<HandlerResult[]> {
  const orders = await lockOrders(trx, [...new Set(outcomes.map(({ data }) => data.order_id))])
  const byId = new Map(orders.map((order) => [order.order_id, order]))
  const settlements = settleOrders(byId, outcomes)

  const changes: StatusChange[] = outcomes.flatMap((outcome, index) => {
    const settlement = settlements[index]
    if (settlement?.kind !== 'settle') return []
    const { status, failureReason } = settlement
    const times = bringsTimes[outcome.type] && { timeline: timesOf(outcome) }
    return [{ orderId: outcome.data.order_id, status, failureReason, ...times }]
  })
  let settled: SettledRow[] = []
  if (changes.length > 0) {
    settled = await setStatuses(trx, changes)
    const orderIds = changes.map(({ orderId }) => orderId)
    await notify(trx, orderStatusChannel, statusPayloads(orderIds, maxPayloadBytes))
  }
  const first = settlements.find(({ kind }) => kind === 'settle')
  const onCommit = () => {
    for (const order of settled) onSettled?.(order)
  }
  return settlements.map((settlement) => {
    if (settlement.kind === 'dead-letter') return settlement
    return { kind: 'handled', ...(settlement === first && { onCommit }) }
  })
}

/** A reply is settled whatever it says of its times: what cannot be read is left out. */
const timesOf = ({ data: { timeline }, deliveryTimes }: Delivered<PaymentOutcome>): StageTimes => ({
  relayedAt: utcTime(timeline?.relayed_at),
  receivedAt: utcTime(timeline?.received_at),
  chargedAt: utcTime(timeline?.charged_at),
  replyRelayedAt: deliveryTimes?.relayedAt,
})
