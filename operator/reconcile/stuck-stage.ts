import type { PendingOrder } from './rows.ts'

/** The hop that an order has not got over. */
export type Stage =
  | 'request-unpublished'
  | 'request-deferred'
  | 'request-failing'
  | 'request-dead'
  | 'request-unanswered'
  | 'handled-without-decision'
  | 'reply-unpublished'
  | 'reply-deferred'
  | 'reply-failing'
  | 'reply-dead'
  | 'reply-unheard'

/** All that is known about where an order may be stuck. */
export interface Whereabouts {
  isDecided: boolean
  unpublishedRequest?: { last_error: string | null } | undefined
  unpublishedReply?: { last_error: string | null } | undefined
  deferredRequest?: { waits_for: string } | undefined
  deferredReply?: { waits_for: string } | undefined
  failingRequest?: { last_error: string | null } | undefined
  failingReply?: { last_error: string | null } | undefined
  deadRequest?: { reason: string; last_error: string | null } | undefined
  deadReply?: { reason: string; last_error: string | null } | undefined
  /** The inbox of Payments knows the request. */
  isHandled: boolean
}

/** The hop that it has not got over, the last that is known first, and the last error there. */
export function stageOf(where: Whereabouts): { stage: Stage; error: string | null } {
  const { unpublishedReply, deferredReply, failingReply, deadReply, isDecided } = where
  const { unpublishedRequest, deferredRequest, failingRequest, deadRequest, isHandled } = where
  const at = (stage: Stage, error: string | null = null) => ({ stage, error })
  if (unpublishedReply) return at('reply-unpublished', unpublishedReply.last_error)
  if (isDecided) {
    if (deferredReply) return at('reply-deferred', deferredReply.waits_for)
    if (failingReply) return at('reply-failing', failingReply.last_error)
    if (deadReply) return at('reply-dead', `${deadReply.reason}: ${deadReply.last_error}`)
    return at('reply-unheard')
  }
  if (unpublishedRequest) return at('request-unpublished', unpublishedRequest.last_error)
  if (deferredRequest) return at('request-deferred', deferredRequest.waits_for)
  if (failingRequest) return at('request-failing', failingRequest.last_error)
  if (deadRequest) return at('request-dead', `${deadRequest.reason}: ${deadRequest.last_error}`)
  return at(isHandled ? 'handled-without-decision' : 'request-unanswered')
}

const stageWords: Record<Stage, string> = {
  'request-unpublished': 'its request is in the outbox of Orders, not published',
  'request-deferred': 'its request waits for a row of accounts that somebody has locked',
  'request-failing': 'payments-consumer tries to handle its request, and fails',
  'request-dead': 'its request is a dead letter in payments-consumer.dlq',
  'request-unanswered':
    'its request was published: it is in payments-consumer, or the broker lost it',
  'handled-without-decision': 'its request was handled, but the ledger has no decision',
  'reply-unpublished': 'it was decided, but the reply is in the outbox of Payments, not published',
  'reply-deferred': 'the reply waits for its row of orders, which somebody has locked',
  'reply-failing': 'orders-consumer tries to handle the reply, and fails',
  'reply-dead': 'the reply is a dead letter in orders-consumer.dlq',
  'reply-unheard': 'the reply was published: it is in orders-consumer, or the broker lost it',
}

/** Says of an order that is pending for too long where it is stuck, and why as far as is known. */
export function pendingTooLong(order: PendingOrder, where: Whereabouts) {
  const { order_id, user_id, age_ms, request_attempts } = order
  const { stage, error } = stageOf(where)
  const requested = request_attempts > 1 ? `, requested ${request_attempts} times` : ''
  const because = error ? ` (${error})` : ''
  const message = `pending for ${Math.round(age_ms / 1_000)} s${requested}: ${stageWords[stage]}${because}`
  return { kind: 'pending-too-long' as const, order_id, user_id, stage, message }
}
