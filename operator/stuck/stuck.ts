import type { BrokerReport } from '../broker-report.ts'
import type { Databases } from '../databases.ts'
import { findPendingOrders } from '../reconcile/rows.ts'
import { stuckOrders } from '../reconcile/stuck-orders.ts'
import type { StuckStage } from '../reconcile/stuck-stage.ts'
import { adviceOf } from './advice.ts'

export interface StuckOrder {
  order_id: string
  user_id: string
  stage: StuckStage
  /** For how long, where, and the last error there. */
  message: string
  /** What to do. */
  advice: string
}

export interface Stuck {
  /** The oldest ones, the oldest first. */
  orders: StuckOrder[]
  /** How many orders are pending for too long, listed or not. */
  total: number
  /** Why no dead letter can be named as the reason; null when all are known. */
  uncounted: string | null
}

export interface Looking {
  databases: Databases
  broker: BrokerReport
  /** An order may be pending for so long. */
  olderThanMs: number
  /** The maximum number of orders. */
  limit: number
}

/** The oldest orders that are pending for too long, by the index of pending orders alone. */
export async function findStuck({
  databases,
  broker,
  olderThanMs,
  limit,
}: Looking): Promise<Stuck> {
  const pending = await findPendingOrders(databases.orders)
  const overdue = pending
    .filter(({ age_ms }) => age_ms > olderThanMs)
    .sort((a, b) => b.age_ms - a.age_ms)
  const oldest = overdue.slice(0, limit)
  if (oldest.length === 0) return { orders: [], total: 0, uncounted: null }
  const { letters, uncounted } = await broker.deadLetters(true)
  const findings = await stuckOrders(databases, oldest, letters)
  const orders = findings.map(({ kind: _, ...order }) => ({
    ...order,
    advice: adviceOf[order.stage],
  }))
  return { orders, total: overdue.length, uncounted }
}
