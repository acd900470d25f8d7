import type { Transaction } from 'kysely'
import type { Database, Queryable } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import type { Outage } from '#chassis/outage.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import type { RowLocks } from '../deferral/row-locks.ts'
import type { DeliveryBuffer } from './delivery-buffer.ts'

export interface IncomingEvent {
  id: string
  type: string
}

/** What a message says: an event, or nothing that can be handled. */
export type Decoded<Event> =
  | { kind: 'event'; event: Event }
  | { kind: 'invalid'; reason: string; error: string }

/** What a handler says of an event. */
export type Outcome = { kind: 'handled' } | DeadLetter

/** Given up: `reason` is a word for the kind of failure, `error` a sentence. */
export interface DeadLetter {
  kind: 'dead-letter'
  reason: string
  error: string
}

/**
 * What became of an event. `deferred`: it waits in the database for a row that another transaction
 * has locked. `retry`: it failed alone, for a reason that may pass.
 */
export type EventResult =
  | Outcome
  | { kind: 'duplicate' }
  | { kind: 'deferred' }
  | { kind: 'retry'; eventId: string; error: unknown }

/** By the ids of the events. */
export type EventResults = Map<string, EventResult>

/** What the application gives to a consumer, and how the consumer works. */
export interface ConsumerOptions<Tables, Event> {
  queue: string
  db: Database<Tables>
  decode: (content: Buffer, headers: Delivery['headers']) => Decoded<Event>
  /** Does the effect of new events in the transaction; one outcome for each, in their order. */
  handle: (trx: Transaction<Tables>, events: Event[]) => Promise<Outcome[]>
  /**
   * The rows that `handle` locks. An event that needs a locked row is deferred; without this, it is
   * retried.
   */
  rowLocks?: RowLocks<Tables, Event>
  /** After a commit, outside of the transaction. */
  onCommit?: () => void
  /**
   * Dead letters have a connection of their own: an alarm that blocks it must not stop
   * acknowledgements.
   */
  deadLetters: Pick<Publisher, 'publishAll' | 'whenReady' | 'reconnect'>
  batchSize: number
  /** Batches in work at the same time. */
  concurrency: number
  /** How long a batch that is not full waits for more messages. */
  lingerMs: number
  /** After so many failures of its own, an event becomes a dead letter. */
  maxAttempts: number
  timing?: Partial<Timing>
  logger: Logger
}

/** Set by tests only. */
export interface Timing {
  /** The first delay of a retry; the delays grow. */
  retryBaseMs: number
}

/** What a consumer says, and is not ready for, while it holds messages that it cannot finish. */
export type ConsumerOutages = Record<'database' | 'deadLetters' | 'deferredEvents', Outage>

/** What the parts of a running consumer share, whatever it consumes. */
export interface ConsumerContext
  extends Pick<
    ConsumerOptions<never, never>,
    'queue' | 'deadLetters' | 'maxAttempts' | 'timing' | 'logger'
  > {
  db: Queryable
  /** Redelivered and failed messages, to be handled one by one. */
  quarantine: Pick<DeliveryBuffer<Delivery>, 'push'>
  /** Retries and dead letters in progress. */
  background: { run: (task: Promise<void>) => void }
  outages: ConsumerOutages
  signal: AbortSignal
}

/** A consumer at work. */
export type Consumer<Tables, Event> = ConsumerOptions<Tables, Event> & ConsumerContext
