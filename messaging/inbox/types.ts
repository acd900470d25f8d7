import type { Transaction } from 'kysely'
import type { Database, Queryable } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import type { Outage } from '#chassis/outage.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import type { RowLocks } from '../deferral/row-locks.ts'
import type { Loop } from '../loop.ts'
import type { Observer } from '../observer.ts'
import type { Verify } from '../signatures/signature.ts'
import type { EventTracing, SentEvents } from '../tracing.ts'
import type { DeliveryBuffer } from './delivery-buffer.ts'

export interface IncomingEvent {
  id: string
  type: string
  /** The trace that the event belongs to, as it came. */
  traceparent?: unknown
}

/** A decoded message: an event, or the reason why it is none. */
export type Decoded<Event> =
  | { kind: 'event'; event: Event }
  | { kind: 'invalid'; reason: string; error: string }

/**
 * What a handler returns for an event. `onCommit` is called after the commit, unless the process
 * dies before: for what is measured, not for what must happen.
 */
export type HandlerResult = { kind: 'handled'; onCommit?: () => void } | DeadLetter

/** Given up: `reason` is a word for the kind of failure, `error` a sentence. */
export interface DeadLetter {
  kind: 'dead-letter'
  reason: string
  error: string
}

/**
 * The result for one event. `deferred`: it waits in the database for a row that another transaction
 * has locked. `retry`: it failed alone, and may succeed later.
 */
export type EventResult =
  | HandlerResult
  | { kind: 'duplicate' }
  | { kind: 'deferred' }
  | { kind: 'retry'; eventId: string; error: unknown }

/** By the ids of the events. */
export type EventResults = Map<string, EventResult>

/** What the application gives to the inbox, and how the inbox works. */
export interface InboxOptions<Tables, Event> {
  queue: string
  db: Database<Tables>
  decode: (content: Buffer, headers: Delivery['headers']) => Decoded<Event>
  /** Says why a message is not believed; without this, each one is. */
  verify?: Verify | undefined
  /** Does the effect of new events in the transaction; one result for each, in their order. */
  handle: (trx: Transaction<Tables>, events: Event[]) => Promise<HandlerResult[]>
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
  observer?: Observer
  /** A loop of this name that is watched; without it, no loop is. */
  watch?: (name: string, pauseMs?: number) => Loop
  broker?: SentEvents['broker']
  tracing?: EventTracing | undefined
}

/** Set by tests only. */
export interface Timing {
  /** The first delay of a retry; the delays grow. */
  retryBaseMs: number
}

/**
 * What makes a consumer not ready, and is logged, while the consumer holds messages that it cannot
 * finish.
 */
export type ConsumerOutages = Record<'database' | 'deadLetters' | 'deferredEvents', Outage>

/** What the parts of a running consumer share, whatever its events are. */
export interface ConsumerContext
  extends Pick<
    InboxOptions<never, never>,
    'queue' | 'deadLetters' | 'maxAttempts' | 'timing' | 'logger' | 'observer'
  > {
  db: Queryable
  /** Redelivered and failed messages, to be handled one by one. */
  quarantine: Pick<DeliveryBuffer<Delivery>, 'push'>
  /** Retries and dead letters in progress. */
  background: { run: (task: Promise<void>) => void }
  outages: ConsumerOutages
  signal: AbortSignal
}

/** A running consumer. */
export type Consumer<Tables, Event> = InboxOptions<Tables, Event> & ConsumerContext
