import { firstIdAt } from '../event-ids.ts'

/** A table whose old rows are deleted, and how they are found without reading the others. */
export interface ExpiringTable {
  name: string
  /** A column with an index. Rows are looked at in its order. */
  key: string
  keyType: 'uuid' | 'timestamptz'
  /** Before every key. */
  firstKey: string
  /** Rows that were finished before a moment have keys up to this one. */
  lastKeyAt: (moment: Date) => string
  /** Says since when a row is not needed. A row in which it is null never expires. */
  age: string
  retentionMs: number
}

export const dayMs = 86_400_000

const byEvent = {
  key: 'event_id',
  keyType: 'uuid',
  firstKey: '00000000-0000-0000-0000-000000000000',
  lastKeyAt: firstIdAt,
} as const

/** What is set for the tables of the engine. */
export interface RetentionDays {
  outboxRetentionDays: number
  inboxRetentionDays: number
}

/**
 * The tables of the engine. An event that is not published has no `published_at`, and stays;
 * `deferred_events` have no age at all, and stay until they are handled. Attempts that are left
 * over are of messages that have vanished from the broker.
 */
export const engineTables = (days: RetentionDays): ExpiringTable[] => [
  {
    ...{ name: 'outbox', ...byEvent, age: 'published_at' },
    retentionMs: days.outboxRetentionDays * dayMs,
  },
  {
    ...{ name: 'inbox', ...byEvent, age: 'received_at' },
    retentionMs: days.inboxRetentionDays * dayMs,
  },
  {
    ...{ name: 'attempts', ...byEvent, age: 'last_started_at' },
    retentionMs: days.inboxRetentionDays * dayMs,
  },
]
