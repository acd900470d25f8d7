import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { untilAborted } from '#chassis/pause.ts'
import { type Delivery, Subscription } from '../broker/consumer.ts'
import type { BrokerOptions } from '../broker/topology.ts'
import { Background } from './background.ts'
import { consumeBatch, type Inbox } from './batch.ts'
import { runReturning } from './deferred.ts'
import type { IncomingEvent } from './handle.ts'
import { Pending } from './pending.ts'
import type { WithInbox } from './rows.ts'
import { handleSuspects } from './suspects.ts'

export interface Consuming {
  batchSize: number
  /** Batches in work at the same time. */
  lanes: number
  /** How long a batch that is not full waits for company. */
  lingerMs: number
}

/**
 * Consumes until told to stop; then takes no more, finishes the batches in work and gives back the
 * rest. While the database is away it holds what it has and takes nothing more: an outage is no
 * failure of a message.
 */
export async function runConsumer<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event> & Consuming,
  subscription: ReturnType<typeof subscribe>,
  signal: AbortSignal,
): Promise<void> {
  const { pending, suspects, held, parking } = subscription
  const aftermath = { suspects, background: new Background(), held, parking, signal }
  const lane = async () => {
    while (!signal.aborted) {
      const batch = await pending.take(inbox.batchSize, inbox.lingerMs, signal)
      await consumeBatch(inbox, batch, aftermath)
    }
  }
  const lanes = Array.from({ length: inbox.lanes }, lane)
  lanes.push(handleSuspects(inbox, suspects, aftermath))
  const { rowLocks } = inbox
  if (rowLocks) {
    const returning = { ...inbox, rowLocks, publisher: inbox.deadLetters }
    lanes.push(runReturning(returning, subscription.returning, signal))
  }
  await Promise.race([...lanes, untilAborted(signal)])
  const closing = subscription.close()
  const giveBack = () => {
    for (const delivery of [...pending.takeAll(), ...suspects.takeAll()]) delivery.requeue()
  }
  giveBack()
  await Promise.all(lanes)
  await aftermath.background.done()
  giveBack()
  await closing
}

/** The queue, consumed into a list from which batches are made, and one of those that were delivered before. */
export function subscribe(
  options: BrokerOptions & { queue: string; logger: Logger },
  { batchSize, lanes }: Consuming,
) {
  const pending = new Pending<Delivery>()
  const suspects = new Pending<Delivery>()
  const isLost = (delivery: Delivery) => delivery.isLost()
  const subscription = new Subscription({
    ...options,
    prefetch: batchSize * (lanes + 1),
    onDelivery: (delivery) => (delivery.isRedelivered ? suspects : pending).push(delivery),
    onLost: () => {
      pending.discard(isLost)
      suspects.discard(isLost)
    },
  })
  return {
    pending,
    suspects,
    ...outages(options.logger),
    isConsuming: () => subscription.isConsuming(),
    assertConsuming: () => subscription.assertConsuming(),
    close: () => subscription.close(),
  }
}

/** What a consumer says, and is not ready for, while it holds messages that it cannot bring to an end. */
export const outages = (logger: Logger): Record<'held' | 'parking' | 'returning', Outage> => ({
  held: new Outage({ logger, what: 'the database cannot handle messages, which are held' }),
  parking: new Outage({ logger, what: 'dead letters cannot be written' }),
  returning: new Outage({ logger, what: 'deferred events cannot be returned to their queue' }),
})
