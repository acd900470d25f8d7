import { connectDatabase, type Database, type Queryable } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import type { Service } from '#chassis/lifecycle.ts'
import { Publisher } from './broker/publisher.ts'
import type { QueueTopology } from './broker/topology.ts'
import { batchLockTimeoutMs } from './deferral/row-locks.ts'
import { runConsumer as consumeUntilStopped, subscribe } from './inbox/consumer.ts'
import { type Delivered, withDeliveryTimes } from './inbox/decode.ts'
import { pingInbox } from './inbox/rows.ts'
import type { Decoded, ConsumerOptions as InboxOptions, IncomingEvent } from './inbox/types.ts'
import { ownInstallation } from './installation.ts'
import type { InstallationRow } from './installation-rows.ts'
import { relayWaker } from './outbox/wake-up.ts'
import type { MessagingDatabase } from './tables.ts'

export interface ConsumerConfig
  extends Pick<
    InboxOptions<never, never>,
    'batchSize' | 'concurrency' | 'lingerMs' | 'maxAttempts'
  > {
  databaseUrl: string
  brokerUrl: string
}

export interface ConsumerOptions<Tables extends MessagingDatabase, Event extends IncomingEvent>
  extends Service<ConsumerConfig>,
    Pick<InboxOptions<Tables, Delivered<Event>>, 'handle' | 'rowLocks'> {
  service: InstallationRow['service']
  queue: QueueTopology
  decode: (content: Uint8Array) => Decoded<Event>
  /** Whether the handler leaves events in the outbox: then the relay is woken after each commit. */
  wakesRelay?: boolean
  /** What else the process does with its database, until told to stop. */
  alongside?: (db: Database<Tables>) => Promise<void>
}

/**
 * Consumes a queue through the inbox of a service, until told to stop: opens database and broker, and adds
 * the checks of its health.
 */
export async function runConsumer<Tables extends MessagingDatabase, Event extends IncomingEvent>(
  options: ConsumerOptions<Tables, Event>,
): Promise<void> {
  const { name, config, logger, resources, signal, demand, service, wakesRelay } = options
  const { databaseUrl: url, brokerUrl } = config
  const db = resources.use(
    connectDatabase<Tables>({ name, url, lockTimeoutMs: batchLockTimeoutMs }),
  )
  demand(requireDurability(db, signal, logger))
  const installation = ownInstallation(db, service, { logger, signal, demand })
  const broker = {
    name,
    url: brokerUrl,
    topology: { queues: [options.queue] },
    installation,
    logger,
  }
  const { queue } = options.queue
  const deadLetters = resources.use(new Publisher(broker))
  const subscription = resources.use(subscribe({ ...broker, queue }, config))
  reportHealth(options, db, { deadLetters, subscription })
  const inboxOptions = {
    ...{ ...config, queue, db, deadLetters, logger, handle: options.handle },
    ...(options.rowLocks && { rowLocks: options.rowLocks }),
    ...(wakesRelay && { onCommit: relayWaker(db, logger) }),
    decode: withDeliveryTimes(options.decode),
  }
  await Promise.all([
    consumeUntilStopped(inboxOptions, subscription, signal),
    options.alongside?.(db),
  ])
}

function reportHealth(
  { health }: Pick<Service<object>, 'health'>,
  db: Queryable,
  opened: { deadLetters: Publisher; subscription: ReturnType<typeof subscribe> },
): void {
  const { deadLetters, subscription } = opened
  health.check('database', () => pingInbox(db))
  health.check('queue', () => subscription.assertConsuming())
  health.check('held messages', () => subscription.outages.database.assertOver())
  health.check('deferred events', () => subscription.outages.deferredEvents.assertOver())
  health.check('dead letters', () => {
    deadLetters.assertReady()
    subscription.outages.deadLetters.assertOver()
  })
}
