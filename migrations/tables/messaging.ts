import type { Generated } from 'kysely'

/** The tables that both services have: what they owe the broker, what they had from it, what they answered. */
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

export interface IdempotencyKeysTable {
  user_id: string
  call: string
  key: string
  fingerprint: string
  response_status: number
  response_body: string
  created_at: Generated<Date>
}

export interface InstallationTable {
  single_row: Generated<boolean>
  id: string
  service: 'orders' | 'payments'
}

/** What `chassis/outbox`, `chassis/inbox` and `chassis/http/idempotency` need of a database. */
export interface MessagingDatabase {
  outbox: OutboxTable
  inbox: InboxTable
  attempts: AttemptsTable
  deferred_events: DeferredEventsTable
  idempotency_keys: IdempotencyKeysTable
  installation: InstallationTable
}
