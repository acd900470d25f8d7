import type { Transaction } from 'kysely'
import type { MessagingDatabase } from '../tables.ts'
import { insertEvents } from './rows.ts'

/** An event as it will be published. Its id (a UUID) and type are also columns of the outbox. */
export interface Event {
  id: string
  type: string
}

/**
 * Appends events to the outbox: they are published if, and only if, the caller's transaction
 * commits. Notify the relay afterwards (`createRelayNotifier`); otherwise its poll finds them,
 * within 2.5 s.
 */
export async function appendEvents<Tables extends Pick<MessagingDatabase, 'outbox'>>(
  trx: Transaction<Tables>,
  events: readonly Event[],
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    event_id: event.id,
    event_type: event.type,
    payload_json: JSON.stringify(event),
  }))
  await insertEvents(trx, rows)
}
