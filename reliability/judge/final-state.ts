import type { OrderColumns } from '#tables/orders.ts'
import type { LedgerColumns } from '#tables/payments.ts'
import type { Call } from './history.ts'

/**
 * How an order ended, in the words of Jepsen's total-queue: `recovered` is one whose client never
 * got an answer and which was taken all the same; `unexpected`, one that nobody asked for so.
 */
export const words = ['ok', 'recovered', 'lost', 'duplicated', 'unexpected', 'stuck'] as const
export type Word = (typeof words)[number]

/** What the two databases and the broker hold when everything is over. */
export interface FinalState {
  orders: OrderRow[]
  accounts: { user_id: string; balance: string }[]
  ledger: LedgerRow[]
  /** The remembered answers of both services. */
  keys: { user_id: string; key: string; body: string }[]
  /** Events that are not published, and messages that are not settled, by where they are. */
  owed: Record<string, number>
  /** With the queue that each was meant for. */
  deadLetters: { queue: string; messageId: string; reason: string }[]
}

export type OrderRow = OrderColumns<
  'order_id' | 'user_id' | 'amount' | 'status' | 'failure_reason' | 'request_attempts'
>

export type LedgerRow = LedgerColumns<
  'tx_id' | 'order_id' | 'user_id' | 'type' | 'amount' | 'status' | 'reason' | 'created_at'
>

/** What a call was answered with: as the client heard it, or else as the service remembers it. */
export function answersOf(keys: FinalState['keys']): (call: Call) => string[] {
  const nameOf = (userId: string, key: string) => JSON.stringify([userId, key])
  const remembered = new Map(keys.map((row) => [nameOf(row.user_id, row.key), row.body]))
  return ({ userId, key, bodies }) => {
    const body = remembered.get(nameOf(userId, key))
    return [...new Set(body === undefined ? bodies : [...bodies, body])]
  }
}
