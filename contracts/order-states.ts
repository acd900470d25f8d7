import { eventTypesTo, type ReplyType, type RequestType } from './event-types.ts'
import type { LedgerStatus, OrderLedgerType } from './ledger-types.ts'

/** A call of a client that leads an order on. */
type OrderCall = 'refund'

interface OrderState {
  /**
   * The event that asks for the decision that the order waits for, sent again while none comes;
   * null at rest.
   */
  request: RequestType | null
  /** The ledger entry in which Payments records that decision; null at rest. */
  decision: OrderLedgerType | null
  /** Whether the order is paid, so far as Orders knows. */
  isPaid: boolean
  /**
   * Which entries the ledger may have of it; more than one while the order waits for what was
   * decided.
   */
  ledger: Record<OrderLedgerType, readonly (LedgerStatus | 'none')[]>
  /**
   * What each reply makes of it: its next state, nothing new, or a dead letter, since it cannot be
   * true.
   */
  on: Record<ReplyType, string | 'repeat' | 'contradiction'>
  /** What each call makes of it: its next state, or a refusal, for now or for good. */
  onCall: Record<OrderCall, string | 'too-early' | 'refused'>
  /** For people who read the documents. */
  summary: string
}

/**
 * Every state of an order, and every way from one to another. The cores, the statements, the
 * client, the operator, the documents and the judges take from this table, or are compared with it.
 */
export const orderStates = {
  PAYMENT_PENDING: {
    request: 'PaymentRequested',
    decision: 'DEBIT',
    isPaid: false,
    ledger: { DEBIT: ['none', 'SUCCESS', 'FAILED'], REFUND: ['none'] },
    on: {
      PaymentSucceeded: 'PAID',
      PaymentFailed: 'PAYMENT_FAILED',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'contradiction',
    },
    onCall: { refund: 'too-early' },
    summary: 'accepted; Payments is asked for its money',
  },
  PAID: {
    request: null,
    decision: null,
    isPaid: true,
    ledger: { DEBIT: ['SUCCESS'], REFUND: ['none', 'FAILED'] },
    on: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'repeat',
    },
    onCall: { refund: 'REFUND_PENDING' },
    summary: 'its money was taken; a refund of it may have been refused',
  },
  PAYMENT_FAILED: {
    request: null,
    decision: null,
    isPaid: false,
    ledger: { DEBIT: ['FAILED'], REFUND: ['none'] },
    on: {
      PaymentSucceeded: 'contradiction',
      PaymentFailed: 'repeat',
      PaymentRefunded: 'contradiction',
      RefundFailed: 'contradiction',
    },
    onCall: { refund: 'refused' },
    summary: 'its money was refused, and nothing was taken',
  },
  REFUND_PENDING: {
    request: 'RefundRequested',
    decision: 'REFUND',
    isPaid: true,
    ledger: { DEBIT: ['SUCCESS'], REFUND: ['none', 'SUCCESS', 'FAILED'] },
    on: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'REFUNDED',
      RefundFailed: 'PAID',
    },
    onCall: { refund: 'refused' },
    summary: 'its money was taken; Payments is asked to give it back',
  },
  REFUNDED: {
    request: null,
    decision: null,
    isPaid: true,
    ledger: { DEBIT: ['SUCCESS'], REFUND: ['SUCCESS'] },
    on: {
      PaymentSucceeded: 'repeat',
      PaymentFailed: 'contradiction',
      PaymentRefunded: 'repeat',
      RefundFailed: 'contradiction',
    },
    onCall: { refund: 'refused' },
    summary: 'its money was taken, and given back',
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

/** What a call may make of an order. */
export type CalledStatus = Extract<
  { [S in OrderStatus]: States[S]['onCall'][OrderCall] }[OrderStatus],
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

/** Where Payments records the decision that an order waits for. */
export const decisionOf = (status: PendingStatus): OrderLedgerType => orderStates[status].decision

/** What a reply makes of an order. */
export const onReply = (
  status: OrderStatus,
  reply: ReplyType,
): DecidedStatus | 'repeat' | 'contradiction' => orderStates[status].on[reply]

/** What a call makes of an order. */
export const onCall = (
  status: OrderStatus,
  call: OrderCall,
): CalledStatus | 'too-early' | 'refused' => orderStates[status].onCall[call]

/** The replies that end a pending state. */
export const repliesTo = (status: PendingStatus): ReplyType[] =>
  eventTypesTo('orders').filter((reply) => {
    const next = onReply(status, reply)
    return next !== 'repeat' && next !== 'contradiction'
  })

/**
 * Whether an order that is in a state now may have been in another one before, or at the same time:
 * it is on the way.
 */
export function isOnWayTo(before: OrderStatus, now: OrderStatus): boolean {
  const seen = new Set<OrderStatus>([before])
  for (const status of seen) {
    const { on, onCall } = orderStates[status]
    for (const next of [...Object.values(on), ...Object.values(onCall)]) {
      if (isStatus(next)) seen.add(next)
    }
  }
  return seen.has(now)
}

const isStatus = (name: string): name is OrderStatus => name in orderStates

/**
 * Whether the ledger may have such an entry of an order in a state; `none`: no entry of the type.
 */
export const fitsLedger = (
  status: OrderStatus,
  type: OrderLedgerType,
  entry: LedgerStatus | 'none',
): boolean => (orderStates[status].ledger[type] as readonly string[]).includes(entry)
