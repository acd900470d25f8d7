import type { ReplyType, RequestType } from './event-types.ts'
import type { LedgerStatus, OrderLedgerType } from './ledger-types.ts'

interface OrderState {
  /** The event that asks for the decision that the order waits for, sent again while none comes; null at rest. */
  request: RequestType | null
  /** Whether the order is paid, so far as Orders knows. */
  isPaid: boolean
  /** Which entries the ledger may have of it; more than one while the order waits for what was decided. */
  ledger: Record<OrderLedgerType, readonly (LedgerStatus | 'none')[]>
  /** What each reply makes of it: its next state, nothing new, or a dead letter, since it cannot be true. */
  on: Record<ReplyType, string | 'repeat' | 'contradiction'>
  /** The calls that lead on from it, each with the next state. */
  onCall: Record<string, string>
  /** For people who read the documents. */
  summary: string
}

/**
 * Every state of an order, and every way from one to another. The cores, the statements, the client, the
 * operator, the documents and the judges take from this table, or are compared with it.
 */
export const orderStates = {
  PAYMENT_PENDING: {
    request: 'PaymentRequested',
    isPaid: false,
    ledger: { DEBIT: ['none', 'SUCCESS', 'FAILED'] },
    on: { PaymentSucceeded: 'PAID', PaymentFailed: 'PAYMENT_FAILED' },
    onCall: {},
    summary: 'accepted; Payments is asked for its money',
  },
  PAID: {
    request: null,
    isPaid: true,
    ledger: { DEBIT: ['SUCCESS'] },
    on: { PaymentSucceeded: 'repeat', PaymentFailed: 'contradiction' },
    onCall: {},
    summary: 'its money was taken',
  },
  PAYMENT_FAILED: {
    request: null,
    isPaid: false,
    ledger: { DEBIT: ['FAILED'] },
    on: { PaymentSucceeded: 'contradiction', PaymentFailed: 'repeat' },
    onCall: {},
    summary: 'its money was refused, and nothing was taken',
  },
} as const satisfies Record<string, OrderState>

type States = typeof orderStates
export type OrderStatus = keyof States

/** Waits for an answer of Payments. */
export type PendingStatus = {
  [S in OrderStatus]: States[S]['request'] extends null ? never : S
}[OrderStatus]
/** Waits for nothing. */
export type RestingStatus = Exclude<OrderStatus, PendingStatus>
/** What a reply may make of an order: a state that some reply leads to. */
export type DecidedStatus = Extract<
  { [S in OrderStatus]: States[S]['on'][ReplyType] }[OrderStatus],
  OrderStatus
>

/** The state that an order begins in. */
export const firstStatus = 'PAYMENT_PENDING' satisfies PendingStatus

/** In the order of the table. */
export const orderStatuses = Object.keys(orderStates) as OrderStatus[]

export const isPending = (status: OrderStatus): status is PendingStatus =>
  orderStates[status].request !== null

export const pendingStatuses = orderStatuses.filter(isPending)
/** The states that an order changes to: news to who knows of the order. */
export const changedStatuses = orderStatuses.filter((status) => status !== firstStatus)
export const restingStatuses = orderStatuses.filter(
  (status): status is RestingStatus => !isPending(status),
)
export const paidStatuses = orderStatuses.filter((status) => orderStates[status].isPaid)

/** What asks again for the decision that an order waits for. */
export const requestOf = (status: PendingStatus): RequestType => orderStates[status].request

/** What a reply makes of an order. */
export const onReply = (
  status: OrderStatus,
  reply: ReplyType,
): DecidedStatus | 'repeat' | 'contradiction' => orderStates[status].on[reply]

/** Whether an order that is in a state now may have been in another one before, or at the same time: it is on the way. */
export function isOnWayTo(before: OrderStatus, now: OrderStatus): boolean {
  const seen = new Set<OrderStatus>([before])
  for (const status of seen) {
    const { on, onCall }: OrderState = orderStates[status]
    for (const next of [...Object.values(on), ...Object.values(onCall)]) {
      if (isStatus(next)) seen.add(next)
    }
  }
  return seen.has(now)
}

const isStatus = (name: string): name is OrderStatus => name in orderStates

/** Whether the ledger may have such an entry of an order in a state; `none`: no entry of the type. */
export const fitsLedger = (
  status: OrderStatus,
  type: OrderLedgerType,
  entry: LedgerStatus | 'none',
): boolean => (orderStates[status].ledger[type] as readonly string[]).includes(entry)
