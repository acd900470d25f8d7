import type { Generated } from 'kysely'

/** The tables of the engine: events to publish, handled events, attempts, deferred events … */
export interface OutboxTable {
  event_id: string
  event_type: string
  payload_json: string
  created_at: Generated<Date>
  published_at: Date | null
  publish_attempts: Generated<number>
  next_attempt_at: Generated<Date>
  last_error: string | null
}

export interface InboxTable {
  event_id: string
  event_type: string | null
  received_at: Generated<Date>
}

export interface AttemptsTable {
  event_id: string
  started: Generated<number>
  finished: Generated<number>
  last_started_at: Generated<Date>
  last_error: string | null
}

export interface DeferredEventsTable {
  deferred_id: Generated<string>
  event_id: string
  waits_for: string
  properties: string
  content: Buffer
  deferred_at: Generated<Date>
}

export interface RetentionTable {
  table_name: string
  retention_ms: string
  expired_before: Date | null
  position: string | null
  due_at: Generated<Date>
  deleted: Generated<string>
  deleted_ever: Generated<string>
  finished_at: Date | null
}

/** The tables that a database needs for outbox and inbox. */
export interface MessagingDatabase {
  outbox: OutboxTable
  inbox: InboxTable
  attempts: AttemptsTable
  deferred_events: DeferredEventsTable
  retention: RetentionTable
}
