import type { Options } from 'amqplib'
import { sql } from 'kysely'
import type { InTransaction, Queryable } from '#chassis/database/connect.ts'
import type { Delivery } from '../broker/consumer.ts'

/** What is kept of a message beside its content. */
export interface DeferredProperties
  extends Pick<Delivery, 'messageId' | 'headers' | 'exchange' | 'routingKey'> {
  properties: Options.Publish
}

export interface NewDeferredEvent {
  eventId: string
  waitsFor: string
  properties: DeferredProperties
  content: Buffer
}

/**
 * In the transaction of the batch. No unique key, so that the insert waits for no other
 * transaction.
 */
export const insertDeferred = (trx: InTransaction, events: NewDeferredEvent[]) =>
  sql`
    /* insertDeferred */
    INSERT INTO deferred_events (event_id, waits_for, properties, content)
    SELECT * FROM unnest(
      ${events.map(({ eventId }) => eventId)}::uuid[],
      ${events.map(({ waitsFor }) => waitsFor)}::text[],
      ${events.map(({ properties }) => JSON.stringify(properties))}::json[],
      ${events.map(({ content }) => content)}::bytea[])
  `.execute(trx)

/**
 * The keys that events wait for, by a loose index scan: its cost does not grow with the events of a
 * key.
 */
export const readWaitedFor = async (db: Queryable) => {
  const { rows } = await sql<{ key: string }>`
    /* readWaitedFor */
    WITH RECURSIVE waited_for (key) AS (
      SELECT min(waits_for) FROM deferred_events
      UNION ALL
      SELECT (SELECT min(waits_for) FROM deferred_events WHERE waits_for > key)
      FROM waited_for WHERE key IS NOT NULL)
    SELECT key FROM waited_for WHERE key IS NOT NULL
  `.execute(db)
  return rows.map(({ key }) => key)
}

export interface DeferredEvent {
  deferred_id: string
  event_id: string
  properties: string
  content: Buffer
}

/**
 * The first events that wait for these keys, locked until commit. `skip locked`: replicas share
 * them.
 */
export const claimDeferred = async (trx: InTransaction, keys: string[], limit: number) => {
  const { rows } = await sql<DeferredEvent>`
    /* claimDeferred */
    SELECT deferred_id, event_id, properties::text AS properties, content
    FROM deferred_events WHERE waits_for = ANY (${keys}::text[])
    ORDER BY deferred_id
    LIMIT (SELECT ${limit}::bigint)
    FOR UPDATE SKIP LOCKED
  `.execute(trx)
  return rows
}

/** Of events that were claimed in the same transaction. */
export const deleteDeferred = (trx: InTransaction, ids: string[]) =>
  sql`
    /* deleteDeferred */
    DELETE FROM deferred_events WHERE deferred_id = ANY (${ids}::bigint[])
  `.execute(trx)

/** Sets the lock timeout for the rest of a transaction. */
export const limitLockWaits = (trx: InTransaction, ms: number) =>
  sql`/* limitLockWaits */ SELECT set_config('lock_timeout', ${String(ms)}, true)`.execute(trx)
