import type { StuckStage } from '../reconcile/stuck-stage.ts'

const outbox =
  'Repair RabbitMQ or the relay, as the error says: the event is published again by itself. reconcile --repair makes it due at once.'
const broker =
  'See in status whether somebody consumes the queue. If the message was lost, it is requested again by itself; reconcile --repair does so at once.'
const locked =
  'End the session that holds the row ("Deferred events grow old" in docs/runbook.md): the event goes on by itself.'
const failing =
  'Repair what the error names: the event is retried by itself. After its last attempt it is a dead letter.'
const dead = 'Read the dead letter (dlq show), repair its cause, and redrive it.'

/** What an operator does about an order that is stuck at a stage. */
export const adviceOf: Record<StuckStage, string> = {
  'request-unpublished': outbox,
  'request-deferred': locked,
  'request-failing': failing,
  'request-dead': dead,
  'request-unanswered': broker,
  'handled-without-decision':
    'Keep the logs of payments-consumer: this has no known cause. reconcile --repair requests it again, and Payments decides once.',
  'reply-unpublished': outbox,
  'reply-deferred': locked,
  'reply-failing': failing,
  'reply-dead': dead,
  'reply-unheard': broker,
}
