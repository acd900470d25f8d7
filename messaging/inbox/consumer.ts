import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { untilAborted } from '#chassis/pause.ts'
import { type Delivery, Subscription } from '../broker/consumer.ts'
import { eventsOf } from '../broker/shared-delivery.ts'
import type { BrokerOptions } from '../broker/topology.ts'
import { republishDeferred } from '../deferral/republish-deferred.ts'
import { Loop } from '../loop.ts'
import type { Observer } from '../observer.ts'
import { DeliveryBuffer } from './delivery-buffer.ts'
import { processBatch } from './process-batch.ts'
import { handleQuarantined } from './quarantine.ts'
import type { ConsumerOutages, InboxOptions, IncomingEvent } from './types.ts'

/**
 * Consumes until told to stop; then takes no more, finishes the batches in progress and requeues
 * the other messages. While the database is away it holds its messages and takes no more: an outage
 * is no failure of a message.
 */
export async function consumeLoop<Tables, Event extends IncomingEvent>(
  options: InboxOptions<Tables, Event>,
  subscription: ReturnType<typeof subscribe>,
  signal: AbortSignal,
): Promise<void> {
  const { buffer, quarantine, outages } = subscription
  const background = new TaskGroup()
  const consumer = { ...options, quarantine, outages, background, signal }
  const { batchSize, lingerMs, concurrency, rowLocks } = options
  const { watch = (name) => new Loop(name) } = options
  const loop = watch('consumer')
  const consumeBatches = async () => {
    const lane = loop.lane()
    while (!signal.aborted) {
      const batch = await lane.idle(buffer.take(batchSize, lingerMs, signal))
      await processBatch(consumer, batch)
      lane.turned()
    }
  }
  const loops = Array.from({ length: concurrency }, consumeBatches)
  loops.push(handleQuarantined(consumer, quarantine, watch('quarantine').lane()))
  if (rowLocks) {
    const lane = watch('deferred events').lane()
    const deferral = { ...options, rowLocks, publisher: options.deadLetters, lane }
    loops.push(republishDeferred(deferral, outages.deferredEvents, signal))
  }
  await Promise.race([...loops, untilAborted(signal)])
  const closing = subscription.close()
  subscription.requeueAll()
  await Promise.all(loops)
  await background.done()
  subscription.requeueAll()
  await closing
}

/**
 * Consumes a queue into a buffer from which batches are taken, and redelivered messages into
 * quarantine.
 */
export function subscribe(
  options: BrokerOptions & {
    queue: string
    logger: Logger
    observer?: Pick<Observer, 'delivered'>
  },
  { batchSize, concurrency }: Pick<InboxOptions<never, never>, 'batchSize' | 'concurrency'>,
) {
  const buffer = new DeliveryBuffer<Delivery>()
  const quarantine = new DeliveryBuffer<Delivery>()
  const isLost = (delivery: Delivery) => delivery.isLost()
  const subscription = new Subscription({
    ...options,
    prefetch: batchSize * (concurrency + 1),
    onDelivery: (message) => {
      const arrivals = message.isRedelivered ? quarantine : buffer
      for (const delivery of eventsOf(message)) {
        options.observer?.delivered?.(delivery)
        arrivals.push(delivery)
      }
    },
    onLost: () => {
      buffer.discard(isLost)
      quarantine.discard(isLost)
    },
  })
  return {
    buffer,
    quarantine,
    outages: consumerOutages(options.logger),
    isConsuming: () => subscription.isConsuming(),
    assertConsuming: () => subscription.assertConsuming(),
    /** Requeues the messages that no batch has taken. */
    requeueAll: () => {
      for (const delivery of [...buffer.takeAll(), ...quarantine.takeAll()]) delivery.requeue()
    },
    close: () => subscription.close(),
  }
}

/** Tasks in the background; `done` waits for all of them. They must not reject. */
export class TaskGroup {
  readonly #running = new Set<Promise<void>>()

  run(task: Promise<void>): void {
    const tracked = task.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }

  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}

export const consumerOutages = (logger: Logger): ConsumerOutages => ({
  database: new Outage({ logger, what: 'the database cannot handle messages, which are held' }),
  deadLetters: new Outage({ logger, what: 'dead letters cannot be written' }),
  deferredEvents: new Outage({ logger, what: 'deferred events cannot be returned to their queue' }),
})
