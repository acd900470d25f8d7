import type { PendingOrder } from './rows.ts'

/** The hop at which an order is stuck. */
export type StuckStage =
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

/** What both databases and the dead letters know of a stuck order. */
export interface StuckOrderEvidence {
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

/** The hop at which an order is stuck, by the latest evidence, and the last error there. */
export function stageOf(evidence: StuckOrderEvidence): { stage: StuckStage; error: string | null } {
  const { unpublishedReply, deferredReply, failingReply, deadReply, isDecided } = evidence
  const { unpublishedRequest, deferredRequest, failingRequest, deadRequest, isHandled } = evidence
  const at = (stage: StuckStage, error: string | null = null) => ({ stage, error })
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

const stageTexts: Record<StuckStage, string> = {
  'request-unpublished': 'its request is in the outbox of Orders, not published',
  'request-deferred': 'its request waits for a row of accounts that another transaction has locked',
  'request-failing': 'payments-consumer fails to handle its request, and retries',
  'request-dead': 'its request is a dead letter in payments-consumer.dlq',
  'request-unanswered':
    'its request was published: it is in payments-consumer, or the broker lost it',
  'handled-without-decision': 'its request was handled, but the ledger has no decision',
  'reply-unpublished': 'it was decided, but the reply is in the outbox of Payments, not published',
  'reply-deferred': 'the reply waits for its row of orders, which another transaction has locked',
  'reply-failing': 'orders-consumer fails to handle the reply, and retries',
  'reply-dead': 'the reply is a dead letter in orders-consumer.dlq',
  'reply-unheard': 'the reply was published: it is in orders-consumer, or the broker lost it',
}

/** The finding for an order that is pending for too long, with its stage and its last error. */
export function pendingTooLong(order: PendingOrder, evidence: StuckOrderEvidence) {
  const { order_id, user_id, age_ms, request_attempts } = order
  const { stage, error } = stageOf(evidence)
  const requested = request_attempts > 1 ? `, requested ${request_attempts} times` : ''
  const cause = error ? ` (${error})` : ''
  const message = `pending for ${Math.round(age_ms / 1_000)} s${requested}: ${stageTexts[stage]}${cause}`
  return { kind: 'pending-too-long' as const, order_id, user_id, stage, message }
}
