import type { Database } from '#chassis/database/connect.ts'
import { brokerAddresses } from './broker/address.ts'
import { Publisher } from './broker/publisher.ts'
import type { QueueTopology } from './broker/topology.ts'
import { consumerDefaults, retentionDefaults, withDefaults } from './defaults.ts'
import { batchLockTimeoutMs } from './deferral/row-locks.ts'
import { type EngineOptions, type Opened, withEngine } from './engine.ts'
import { consumeLoop, subscribe } from './inbox/consumer.ts'
import { type Delivered, withDeliveryTimes } from './inbox/decode.ts'
import { pingInbox } from './inbox/rows.ts'
import type { Decoded, InboxOptions, IncomingEvent } from './inbox/types.ts'
import { createRelayNotifier } from './outbox/relay-notification.ts'
import { dayMs, type ExpiringTable, engineTables } from './retention/expiring-tables.ts'
import { type Delay, horizonFault, longestRetryMs } from './retention/policy.ts'
import { retentionOutage, runRetention } from './retention/retention.ts'
import { type SignatureOptions, verifierOf } from './signatures/policy.ts'
import type { MessagingDatabase } from './tables.ts'

export interface ConsumerOptions<Tables extends MessagingDatabase, Event extends IncomingEvent>
  extends EngineOptions,
    SignatureOptions,
    Pick<InboxOptions<Tables, Delivered<Event>>, 'handle' | 'rowLocks' | 'timing'>,
    Partial<typeof consumerDefaults & typeof retentionDefaults> {
  /** What to consume; queue, dead-letter queue, exchange and bindings are declared. */
  queue: QueueTopology
  decode: (content: Uint8Array) => Decoded<Event>
  /**
   * Whether the handler appends events to the outbox: then the relay is notified after each commit.
   */
  notifiesRelay?: boolean
  /** Other work of the process on the same database, until the signal is aborted. */
  alongside?: (db: Database<Tables>, signal: AbortSignal) => Promise<void>
  /** Tables of the same database that expire, besides those of the engine. */
  expiring?: readonly ExpiringTable[]
  /** What delays an event besides the engine. The inbox has to remember events for longer. */
  delays?: readonly Delay[]
}

/**
 * Consumes a queue through the inbox of a database, until told to stop. Waits for servers that are
 * away. Opens database and broker, reports their health, and closes them. Deletes old rows
 * alongside.
 *
 * An inbox that would forget events which may still arrive is a failed precondition.
 */
export const runConsumer = <Tables extends MessagingDatabase, Event extends IncomingEvent>(
  options: ConsumerOptions<Tables, Event>,
): Promise<void> => {
  const { queue } = options.queue
  const complete = withDefaults({ ...consumerDefaults, ...retentionDefaults }, options)
  return withEngine<Tables>(
    { ...options, lockTimeoutMs: batchLockTimeoutMs },
    queue,
    async (opened) => {
      const { name, db, logger, installation, observer, watch, use } = opened
      opened.mustHold(assertHorizon(complete))
      const broker = {
        ...{ name, url: options.brokerUrl, topology: { queues: [options.queue] }, logger },
        observer,
        ...(installation && { installation }),
      }
      const deadLetters = use(new Publisher(broker))
      const subscription = use(subscribe({ ...broker, queue }, complete))
      reportHealth(opened, deadLetters, subscription)
      const inbox = {
        ...{ ...complete, queue, db, deadLetters, logger, observer, watch },
        broker: brokerAddresses(options.brokerUrl)[0],
        ...(options.notifiesRelay && { onCommit: createRelayNotifier(db, logger) }),
        decode: withDeliveryTimes(options.decode),
        verify: verifierOf(options, options.queue.exchange, logger),
      }
      const consuming = consumeLoop(inbox, subscription, opened.signal)
      const expiring = [...engineTables(complete), ...(options.expiring ?? [])]
      await Promise.all([
        consuming,
        options.alongside?.(db, opened.signal),
        retain(opened, expiring, complete.retentionIdleMs),
      ])
    },
  )
}

/** Rejects if the inbox forgets events sooner than the last of their copies arrives. */
async function assertHorizon(
  options: Pick<ConsumerOptions<MessagingDatabase, IncomingEvent>, 'delays'> &
    typeof retentionDefaults &
    Pick<typeof consumerDefaults, 'maxAttempts'>,
): Promise<void> {
  const { inboxRetentionDays, outboxRetentionDays, maxAttempts, delays = [] } = options
  const inbox = { variable: 'INBOX_RETENTION_DAYS', ms: inboxRetentionDays * dayMs }
  const fault = horizonFault(inbox, [
    { variable: 'OUTBOX_RETENTION_DAYS', ms: outboxRetentionDays * dayMs },
    { variable: 'CONSUMER_MAX_ATTEMPTS', ms: longestRetryMs(maxAttempts) },
    ...delays,
  ])
  if (fault !== undefined) throw new Error(fault)
}

function retain<Tables extends MessagingDatabase>(
  { db, logger, health, watch, signal }: Opened<Tables>,
  tables: readonly ExpiringTable[],
  idleMs: number,
): Promise<void> {
  const outage = retentionOutage(logger)
  health.check('retention', () => outage.assertOver())
  return runRetention({ db, tables, idleMs, logger, outage, loop: watch('retention') }, signal)
}

function reportHealth<Tables extends MessagingDatabase>(
  { health, db }: Opened<Tables>,
  deadLetters: Publisher,
  subscription: ReturnType<typeof subscribe>,
): void {
  health.check('database', () => pingInbox(db))
  health.check('queue', () => subscription.assertConsuming())
  health.check('held messages', () => subscription.outages.database.assertOver())
  health.check('deferred events', () => subscription.outages.deferredEvents.assertOver())
  health.check('dead letters', () => {
    deadLetters.assertReady()
    subscription.outages.deadLetters.assertOver()
  })
}
